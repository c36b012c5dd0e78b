# Published models behind HTTP, see docs/deploy.md:
#   docker build -t petseg .
#   docker run -p 8000:8000 -v "$PWD/work_dirs/published:/model:ro" petseg
FROM python:3.12-slim-bookworm

WORKDIR /petseg
COPY constraints.txt requirements*.txt ./
# Where to take torch from: give its CPU builds with --build-arg PIP_INDEX_URL=... for a small image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
# OpenCV without windows: the other build, which shares its folder, needs libraries of a desktop.
RUN pip install --no-cache-dir -r requirements.txt -r requirements-service.txt -r requirements-openvino.txt \
        -c constraints.txt \
    && pip uninstall --yes opencv-python opencv-python-headless \
    && grep ^opencv-python-headless requirements.txt > /tmp/opencv.txt \
    && pip install --no-cache-dir --no-deps -r /tmp/opencv.txt

COPY LICENSE pyproject.toml ./
COPY configs configs
COPY custom_modules custom_modules
COPY tools tools

# An ordinary user, who owns nothing here. What is being read of uploads lies in /tmp.
RUN useradd --uid 10001 --no-create-home petseg
USER 10001
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
ENTRYPOINT ["python"]
CMD ["tools/serve.py", "/model", "--host", "0.0.0.0"]
