// The page of a service: a photograph, which goes to the service's interface as it is, and what is
// to be seen of it.

import { ask, Column } from './column.js';

const VIEWS = { overlay: 'Overlay', mask: 'Mask', cutout: 'Cut-out', probability: 'Probability' };
const ALL = 'side by side';
const FORM = 4096; // bytes around a photograph in a request

const place = (id) => document.getElementById(id);
const columns = [];
let about = null;
const page = { photograph: null, view, refuse };
let address = null; // of the photograph in this browser
let choices = 0; // photographs that were chosen, so that a late example does not replace one

/** Return which picture is to be seen. */
function view() {
  return place('view').querySelector('input:checked').value;
}

/** Let one of some values be chosen. */
function choose(name, values, chosen, changed) {
  for (const [value, words] of values) {
    const label = document.createElement('label');
    const input = document.createElement('input');
    const text = document.createElement('span');
    label.className = 'choice';
    Object.assign(input, { type: 'radio', name, value, checked: value === chosen });
    text.textContent = words;
    input.onchange = () => changed(value);
    label.append(input, text);
    place(name).append(label);
  }
}

function say(words) {
  place('message').textContent = words;
}

/** Take nothing, or another photograph, and forget the one before. */
function take(file) {
  choices += 1;
  say('');
  page.photograph = file;
  if (address) URL.revokeObjectURL(address);
  address = file && URL.createObjectURL(file);
  const image = place('photograph');
  image.hidden = true;
  if (file) image.src = address;
  else image.removeAttribute('src');
  place('hint').hidden = Boolean(file);
  place('no-preview').hidden = true;
  place('file').value = '';
  place('file-name').textContent = file ? file.name : '';
  place('remove').hidden = !file;
  for (const column of columns) {
    column.clear();
    if (file) column.show();
  }
}

/** Say why a photograph is not taken; it does not stay there. */
function refuse(words) {
  const name = page.photograph?.name;
  take(null);
  say(name ? `${name}: ${words}` : words);
}

function takeFirst(files) {
  if (!files.length) return say('There is no file in it. Addresses are not fetched: save the photograph first.');
  const [file] = files;
  const most = about.request_bytes - FORM;
  if (file.size > most) {
    const [given, allowed] = [file.size, most].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    take(null);
    return say(`${file.name}: ${given} MB; at most ${allowed}`);
  }
  take(file);
  if (files.length > 1) say(`The first of ${files.length} files is shown.`);
}

async function takeExample(number) {
  const turn = (choices += 1);
  try {
    const answer = await ask(`v1/examples/${number}`);
    const file = new File([await answer.blob()], about.examples[number], { type: 'image/png' });
    if (choices !== turn) return;
    take(file);
    // On a phone the examples are far below.
    columns.find((column) => !column.part.hidden).part.scrollIntoView({ block: 'nearest' });
  } catch (error) {
    say(error.message);
  }
}

function showExamples() {
  place('drawn').hidden = false; // not before the columns are above it
  about.examples.forEach((name, number) => {
    const item = document.createElement('li');
    const button = document.createElement('button');
    const image = document.createElement('img');
    button.type = 'button';
    button.onclick = () => takeExample(number);
    Object.assign(image, { src: `v1/examples/${number}`, alt: `Try ${name}`, loading: 'lazy' });
    button.append(image);
    item.append(button);
    place('examples').append(item);
  });
}

function listen() {
  place('file').onchange = () => place('file').files.length && takeFirst(place('file').files);
  place('remove').onclick = () => {
    take(null);
    place('file').focus();
  };
  const image = place('photograph');
  image.onload = () => (image.hidden = false);
  image.onerror = () => {
    if (!page.photograph) return;
    place('no-preview').hidden = false;
  };
  // Wherever it is dropped: else the browser would leave this page and open the file.
  const dragged = (on) => (event) => {
    event.preventDefault();
    document.body.classList.toggle('dragged', on);
  };
  document.ondragover = dragged(true);
  document.ondragleave = dragged(false);
  document.ondrop = (event) => {
    dragged(false)(event);
    takeFirst(event.dataTransfer.files);
  };
  document.onpaste = (event) => {
    if (event.target.matches('[type=number]')) return;
    takeFirst(event.clipboardData.files);
  };
}

async function start() {
  about = await (await ask('v1/about')).json();
  columns.push(...about.models.map((model) => new Column(model, page)));
  choose('view', Object.entries(VIEWS), 'overlay', () => columns.forEach((column) => column.show()));
  const names = [...columns.keys()].map((n) => [String(n), about.models[n].name]);
  choose('model', [...names, [ALL, ALL]], ALL, (chosen) =>
    columns.forEach((column, n) => {
      const was = column.part.hidden;
      column.part.hidden = ![String(n), ALL].includes(chosen);
      if (was && !column.part.hidden) column.show();
    }),
  );
  place('model').hidden = columns.length < 2;
  showExamples();
  listen();
}

start().catch((error) => say(error.message));
