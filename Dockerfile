# The service of docs/deploy.md: docker build -t petseg . ; docker run -p 8000:8000 -v "$PWD/published:/model:ro" petseg
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 petseg
WORKDIR /home/petseg/project

COPY requirements.txt requirements-export.txt requirements-service.txt ./
RUN pip install --no-cache-dir -r requirements.txt -r requirements-export.txt -r requirements-service.txt

COPY custom_modules custom_modules
COPY configs configs
COPY tools tools

USER petseg
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["python", "tools/serve.py", "/model", "--host", "0.0.0.0"]
