// review.js - the screen of one reviewer: shows a pair, takes an answer, and goes on when the answer is stored.
(() => {
  'use strict';
  const REST_MINUTES = 15;
  const FLICKER_MS = 450; // each picture; slow enough to be no flashing
  const DEAF_MS = 250; // a key pressed twice by mistake does not answer a pair that was hardly seen

  let screen = null; // what the server says is to be answered now
  let ready = false; // both pictures are seen, and an answer may be given
  let shownAt = 0;
  let restedAt = Date.now();
  let ahead = null; // { id, crops }: the next pair's pictures, fetched while this one is looked at
  let crops = [];
  let originals = null;
  const view = { original: false, flicker: false, wipe: false, grey: false };
  let held = false; // Space is down
  let timer = 0;
  const images = [byId('left'), byId('right')];
  const stage = byId('stage');

  // ---- pictures ------------------------------------------------------------------------------------------

  const fetchPair = (id, what) =>
    Promise.all(['left', 'right'].map((side) => picture(`/api/picture/${id}/${side}/${what}`)));

  function forget(urls) {
    for (const url of urls || []) URL.revokeObjectURL(url);
  }

  async function put(urls) {
    images.forEach((image, i) => (image.src = urls[i]));
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
  }

  function lookAhead(id) {
    if (id === '' || (ahead && ahead.id === id)) return;
    if (ahead) ahead.crops.then(forget, () => {});
    ahead = { id, crops: fetchPair(id, 'crop') };
    ahead.crops.catch(() => (ahead = null));
  }

  async function wantOriginals() {
    const id = screen.screen;
    const urls = originals || (await fetchPair(id, 'original'));
    if (screen.screen !== id) return forget(urls);
    originals = urls;
    if (view.original) await put(originals);
  }

  // ---- how they are shown --------------------------------------------------------------------------------

  function draw() {
    const flickering = view.flicker || held;
    clearInterval(timer);
    stage.classList.toggle('together', flickering || view.wipe);
    stage.classList.toggle('wiping', view.wipe && !flickering);
    stage.classList.toggle('grey', view.grey);
    stage.classList.toggle('original', view.original);
    stage.classList.remove('second');
    if (flickering) timer = setInterval(() => stage.classList.toggle('second'), FLICKER_MS);
    byId('wipe-label').classList.toggle('away', !view.wipe);
    for (const button of document.querySelectorAll('[data-view]'))
      button.setAttribute('aria-pressed', String(view[button.dataset.view]));
  }

  function toggle(name) {
    if (!ready) return;
    view[name] = !view[name];
    if (name === 'flicker') view.wipe = false;
    if (name === 'wipe') view.flicker = false;
    draw();
    if (name === 'original') {
      if (view.original) wantOriginals().catch((error) => trouble(error.message));
      else put(crops);
    }
  }

  function wipeTo(percent) {
    byId('wipe-at').value = String(percent);
    stage.style.setProperty('--wipe', `${percent}%`);
  }

  function hold(down) {
    if (held === down || (down && !ready)) return;
    held = down;
    draw();
  }

  // ---- screens -------------------------------------------------------------------------------------------

  function refuse(text) {
    for (const id of ['pair', 'finished']) show(id, false);
    show('refused', true);
    byId('refused-why').textContent = text;
    document.querySelector('header').classList.add('bare');
  }

  function fail(error) {
    if (error.status === 401 || error.status === 403) refuse(error.message);
    else trouble(error.message);
  }

  function showProgress() {
    byId('who').textContent = screen.name;
    byId('bar').max = screen.total;
    byId('bar').value = screen.done;
    byId('count').textContent = `${screen.done} of ${screen.total}`;
    byId('undo').disabled = screen.previous === '';
  }

  function closeNote() {
    show('note-box', false);
    byId('note').value = '';
    byId('note-open').setAttribute('aria-expanded', 'false');
  }

  function remindOfRest() {
    const minutes = (Date.now() - restedAt) / 60000;
    if (!screen.rest && minutes < REST_MINUTES) return;
    byId('rest-why').textContent = screen.rest
      ? `You have answered ${screen.done} of ${screen.total} pairs.`
      : `You have been at it for ${Math.round(minutes)} minutes.`;
    byId('rest-box').showModal();
  }

  async function showScreen(next) {
    screen = next;
    showProgress();
    held = false;
    Object.assign(view, { original: false, flicker: false, wipe: false });
    forget(originals);
    originals = null;
    closeNote();
    show('pair', screen.screen !== '');
    show('finished', screen.screen === '');
    show('finished-undo', screen.previous !== '');
    if (screen.screen === '') {
      forget(crops);
      crops = [];
      say('That was the last pair. All answers are stored.');
      return;
    }
    const old = crops;
    crops = await (ahead && ahead.id === screen.screen ? ahead.crops : fetchPair(screen.screen, 'crop'));
    if (ahead && ahead.id === screen.screen) ahead = null;
    wipeTo(50);
    draw();
    await put(crops);
    forget(old);
    shownAt = performance.now();
    ready = true;
    document.body.dataset.ready = screen.screen;
    document.body.classList.remove('busy');
    say(`Pair ${screen.done + 1} of ${screen.total}`);
    remindOfRest();
    lookAhead(screen.upcoming);
  }

  // Sends what changes the review, and shows what comes then. Nothing new is shown before the server has stored it.
  async function change(path, body) {
    ready = false;
    trouble(null);
    delete document.body.dataset.ready;
    document.body.classList.add('busy');
    const onTrouble = (error) =>
      trouble(error && `${error.message} Your answer is kept on this page and sent again until it is stored.`);
    try {
      await showScreen(await insist(path, body, onTrouble));
    } catch (error) {
      if (error.status === 409) {
        await showScreen(await insist('/api/screen', undefined, onTrouble));
        trouble(`This was not stored: ${error.message}`);
      } else {
        fail(error);
      }
    }
    document.body.classList.remove('busy');
  }

  function answer(value) {
    if (!ready || performance.now() - shownAt < DEAF_MS) return;
    const note = byId('note').value.trim();
    const milliseconds = Math.round(performance.now() - shownAt);
    change('/api/answer', { screen: screen.screen, answer: value, note, milliseconds });
  }

  function undo() {
    const blocked = screen === null || screen.previous === '' || (screen.screen !== '' && !ready);
    if (!blocked) change('/api/undo', { screen: screen.previous });
  }

  // ---- keys, mouse, fingers --------------------------------------------------------------------------------

  function openNote() {
    if (!ready) return;
    show('note-box', true);
    byId('note-open').setAttribute('aria-expanded', 'true');
    byId('note').focus();
  }

  const help = () => byId('help-box').showModal();
  const keys = {
    n: () => answer('no_face'),
    c: () => answer('child'),
    x: () => answer('cannot_say'),
    u: undo,
    backspace: undo,
    o: () => toggle('original'),
    f: () => toggle('flicker'),
    w: () => toggle('wipe'),
    g: () => toggle('grey'),
    t: openNote,
    '?': help,
    ' ': () => hold(true),
  };
  for (let i = 1; i <= 7; i++) keys[i] = () => answer(String(i - 4));

  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && document.activeElement === byId('note')) byId('question').focus();
    if (isTyping(event)) return;
    const key = event.key.toLowerCase();
    if (view.wipe && (key === 'arrowleft' || key === 'arrowright')) {
      const step = key === 'arrowleft' ? -4 : 4;
      wipeTo(Math.min(100, Math.max(0, Number(byId('wipe-at').value) + step)));
      event.preventDefault();
      return;
    }
    if (!(key in keys)) return;
    event.preventDefault();
    if (!event.repeat) keys[key]();
  });
  addEventListener('keyup', (event) => {
    if (event.key === ' ') hold(false);
  });
  addEventListener('blur', () => hold(false));

  // A button that was clicked gives the focus back, so that Space flickers and does not press it again.
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button && !button.matches(':focus-visible') && !button.closest('dialog')) button.blur();
  });
  for (const button of document.querySelectorAll('[data-answer]'))
    button.addEventListener('click', () => answer(button.dataset.answer));
  for (const button of document.querySelectorAll('[data-view]'))
    button.addEventListener('click', () => toggle(button.dataset.view));
  byId('undo').addEventListener('click', undo);
  byId('help').addEventListener('click', help);
  byId('note-open').addEventListener('click', openNote);
  byId('wipe-at').addEventListener('input', () => wipeTo(Number(byId('wipe-at').value)));
  for (const kind of ['pointerdown', 'pointermove'])
    stage.addEventListener(kind, (event) => {
      if (!view.wipe || (kind === 'pointermove' && event.buttons === 0)) return;
      const box = images[0].getBoundingClientRect();
      wipeTo(Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width))));
      event.preventDefault();
    });
  byId('rest-box').addEventListener('close', () => {
    restedAt = Date.now();
    shownAt = performance.now();
  });
  byId('help-box').addEventListener('close', () => (shownAt = performance.now()));

  // ---- start -----------------------------------------------------------------------------------------------

  async function start() {
    if (!token) return refuse('Open the link that you were given; it ends with # and 32 letters and digits.');
    const first = await insist('/api/screen', undefined, (error) => trouble(error && error.message));
    await showScreen(first);
    if (first.done === 0 && first.screen !== '') help();
  }
  start().catch(fail);
})();
