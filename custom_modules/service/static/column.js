// One model beside others: what it finds in the photograph of the page. Answers of the service are
// shown as text and as images, never as a part of the page.

const PAUSE = 150; // milliseconds in which a threshold may move on before the service is asked

/** Why something was not answered; `status` is that of HTTP, 0 where there is none. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether it was the photograph, and not the moment. */
  get final() {
    return [400, 413, 415].includes(this.status);
  }
}

/** Return the answer of the service, or throw a Refusal that says why there is none. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal(0, 'The service does not answer, or the file can no longer be read.');
  }
  if (answer.ok) return answer;
  const said = await answer.json().then((body) => body.detail, () => null);
  const words = Array.isArray(said) ? said.map((one) => one.msg).join('; ') : said;
  throw new Refusal(answer.status, words || `The service answers ${answer.status}.`);
}

/** One model: what it finds, its threshold, what can be saved. */
export class Column {
  constructor(model, page) {
    this.model = model;
    this.page = page;
    this.work = null;
    const part = document.getElementById('column').content.cloneNode(true).firstElementChild;
    const find = (selector) => part.querySelector(selector);
    Object.assign(this, {
      part,
      picture: find('.picture'),
      enlarge: find('.enlarge'),
      facts: find('.facts'),
      number: find('[type=number]'),
      range: find('[type=range]'),
      reset: find('.reset'),
      saving: { mask: find('.mask'), cutout: find('.cutout') },
    });
    find('h2').textContent = model.name;
    part.setAttribute('aria-label', model.name);
    this.picture.alt = `What ${model.name} finds`;
    this.range.setAttribute('aria-label', `Threshold of ${model.name}`);
    this.setThreshold(model.threshold);
    this.range.oninput = () => this.moved(this.range.value);
    this.number.oninput = () => this.number.validity.valid && this.moved(this.number.value);
    this.number.onblur = () => this.setThreshold(this.threshold);
    this.reset.onclick = () => this.moved(model.threshold);
    this.enlarge.onclick = () => this.picture.requestFullscreen();
    for (const [kind, button] of Object.entries(this.saving)) button.onclick = () => this.save(kind);
    if (model.card) {
      find('summary').textContent = `About ${model.name}`;
      find('.card').append(...cardLines(model.card));
      find('details').hidden = false;
    }
    document.getElementById('columns').append(part);
  }

  setThreshold(value) {
    this.threshold = Number(value);
    this.number.value = this.range.value = this.threshold;
    this.reset.disabled = this.threshold === this.model.threshold;
  }

  moved(value) {
    const typed = document.activeElement === this.number && this.number.value;
    this.setThreshold(value);
    if (typed) this.number.value = typed; // as it was typed: 0.50 is on its way to 0.505
    this.stop();
    this.waiting = setTimeout(() => this.show(), PAUSE);
  }

  /** Give up what is asked; the service notices, and ends its work. */
  stop() {
    clearTimeout(this.waiting);
    this.work?.abort();
    this.work = null;
  }

  clear() {
    this.stop();
    this.say();
    this.done(false);
    this.picture.removeAttribute('src');
  }

  done(shown) {
    this.part.setAttribute('aria-busy', 'false');
    for (const one of [this.picture, this.enlarge]) one.hidden = !shown;
    for (const button of Object.values(this.saving)) button.disabled = !shown;
  }

  say(...parts) {
    this.facts.classList.remove('problem');
    this.facts.replaceChildren(...parts);
  }

  ask(path, query, work) {
    const form = new FormData();
    const { photograph } = this.page;
    form.append(path === 'v1/segment' ? 'files' : 'file', photograph, photograph.name);
    const words = { model: this.model.name, threshold: this.threshold, ...query };
    const signal = work?.signal;
    return ask(`${path}?${new URLSearchParams(words)}`, { method: 'POST', body: form, signal });
  }

  async show() {
    this.stop();
    if (!this.page.photograph || this.part.hidden) return;
    const work = (this.work = new AbortController());
    this.part.setAttribute('aria-busy', 'true');
    const started = performance.now();
    try {
      const answer = await this.ask('v1/segment', { mask: 'none', picture: this.page.view() }, work);
      const found = (await answer.json()).results[0];
      if (this.work !== work) return;
      const seconds = (performance.now() - started) / 1000;
      this.picture.src = `data:image/png;base64,${found.picture}`;
      await this.picture.decode().catch(() => null);
      if (this.work !== work) return;
      this.say(...foundWords(found), ` Answered in ${seconds.toFixed(2)} s by ${this.model.description}.`);
      this.done(true);
    } catch (error) {
      if (this.work === work) this.failed(error, () => this.show());
    }
  }

  failed(error, again) {
    if (error.name === 'AbortError') return;
    if (error.final) {
      this.page.refuse(error.message);
      return;
    }
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Try again';
    button.onclick = again;
    this.done(false);
    this.say(error.message, button);
    this.facts.classList.add('problem');
  }

  async save(kind) {
    const button = this.saving[kind];
    button.disabled = true;
    try {
      const path = kind === 'mask' ? 'v1/mask' : 'v1/picture';
      const stem = this.page.photograph.name.replace(/\.[^.]*$/, '');
      const clean = stem.replace(/[^\p{L}\p{N}_.-]+/gu, '_').slice(0, 80) || 'photograph';
      const answer = await this.ask(path, kind === 'mask' ? {} : { kind });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await answer.blob());
      link.download = `${clean}_${kind}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      this.failed(error, () => this.show());
    } finally {
      button.disabled = this.picture.hidden;
    }
  }
}

function foundWords(found) {
  const size = `${found.width}x${found.height} pixels`;
  if (!found.box) return [`Nothing found in ${size}.`];
  const [left, top, width, height] = found.box;
  const share = document.createElement('strong');
  share.textContent = `${(found.share * 100).toFixed(1)}%`;
  return [
    share,
    ` of ${size} (${found.area.toLocaleString('en')}), in a box of ${width}x${height} at ` +
      `(${left}, ${top}); mean probability ${found.confidence.toFixed(2)}.`,
  ];
}

/** Return the lines of a model's card: headings, code, and text as it is. */
function cardLines(card) {
  let code = false;
  return card.split('\n').map((line) => {
    const fence = line.startsWith('```');
    if (fence) code = !code;
    const heading = !code && /^#+ +(.*)/.exec(line);
    const part = document.createElement(heading ? 'h3' : code ? 'code' : 'span');
    part.textContent = heading ? heading[1] : fence ? '' : `${line}\n`;
    return part;
  });
}
