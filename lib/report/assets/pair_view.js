// pair_view.js - one pair large: both faces, all that is known of them, and on to the next; for gallery.js.
'use strict';
// `shown` gives the pairs in their order, `moved` hears which pair is large now, null for none.
function pairView({ make, count, facts, choices, pictureOf, parent, shown, moved }) {
  // As the cards have them.
  function twoDigits(value) {
    const size = Math.abs(value);
    if (size >= 99.5) return value.toFixed(0);
    return size !== 0 && size < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(2)));
  }
  function digits(value, places) {
    if (value === null || value === undefined) return '\u2013';
    return (places < 0 ? twoDigits(value) : value.toFixed(places)).replace('-', '\u2212');
  }
  const title = make('h3', { id: 'pair-title' });
  const body = make('div', { className: 'body' });
  const step = (by, text, label) => {
    const button = make('button', { type: 'button', textContent: text });
    button.setAttribute('aria-label', label);
    button.addEventListener('click', () => beside(by));
    return button;
  };
  const back = step(-1, '\u2039', 'The pair before');
  const next = step(1, '\u203a', 'The next pair');
  const close = make('button', { type: 'button', textContent: '\u00d7' });
  close.setAttribute('aria-label', 'Close');
  close.addEventListener('click', () => dialog.close());
  const dialog = make(
    'dialog',
    { className: 'large' },
    make('div', { className: 'head' }, title, back, next, close),
    body,
  );
  dialog.setAttribute('aria-labelledby', 'pair-title');
  parent.append(dialog);

  function face(pair, side, word) {
    const number = pair.sides[side].picture;
    const what =
      number === null
        ? make('span', { className: 'blank', textContent: 'no picture' })
        : make('img', { src: pictureOf(number), alt: `${word} face`, width: 112, height: 112 });
    return make('figure', {}, what, make('figcaption', { textContent: word }));
  }
  function row(name, ...values) {
    return make(
      'tr',
      {},
      make('th', { scope: 'row', textContent: name }),
      ...values.map((value) => make('td', {}, value ?? '\u2013')),
    );
  }
  function sidesTable(pair) {
    const [probe, reference] = pair.sides;
    const body = make('tbody', {});
    for (const [key, name] of [
      ['identity', 'identity'],
      ['path', 'file'],
    ])
      if (facts.names && (probe[key] !== null || reference[key] !== null))
        body.append(row(name, ...[reference[key], probe[key]].map((text) => text && make('bdi', {}, text))));
    body.append(row('row', count(reference.row), count(probe.row)));
    for (const measure of facts.measures.filter((m) => m.of !== null))
      body.append(
        row(measure.label, ...[reference, probe].map((s) => digits(s[measure.key], measure.places))),
      );
    const head = make(
      'tr',
      {},
      make('td', {}),
      ...['real', 'synthetic'].map((textContent) => make('th', { scope: 'col', textContent })),
    );
    return make('table', { className: 'sides' }, make('thead', {}, head), body);
  }
  function numbers(pair) {
    const terms = make('dl', { className: 'numbers' });
    const add = (name, value) =>
      terms.append(make('div', {}, make('dt', { textContent: name }), make('dd', { textContent: value })));
    for (const measure of facts.measures.filter((m) => m.of === null))
      add(measure.label, digits(pair[measure.key], measure.places));
    if (pair.level !== null) add('reached by different people', pair.level);
    add('discovery', pair.found ? 'yes' : 'no');
    if (choices.kind) add('kind', pair.kind ?? '\u2013');
    if (choices.reviewed) add('reviewed', pair.reviewed ?? '\u2013');
    return terms;
  }
  let current = null;
  function show(pair) {
    const pairs = shown();
    const at = pairs.indexOf(pair);
    if (at < 0) return;
    current = pair;
    title.replaceChildren(
      `Pair ${count(pair.rank)} `,
      make('small', { textContent: `${count(at + 1)} of ${count(pairs.length)} shown` }),
    );
    back.disabled = at === 0;
    next.disabled = at === pairs.length - 1;
    const pictures = make('div', { className: 'faces' }, face(pair, 1, 'real'), face(pair, 0, 'synthetic'));
    body.replaceChildren(...(facts.names ? [pictures] : []), numbers(pair), sidesTable(pair));
    if (!dialog.open) dialog.showModal();
    moved(pair);
  }
  function beside(by) {
    const pair = shown()[shown().indexOf(current) + by];
    if (pair !== undefined) show(pair);
  }
  document.addEventListener('keydown', (event) => {
    if (!dialog.open || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 'ArrowLeft') beside(-1);
    else if (event.key === 'ArrowRight') beside(1);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close(); // beside the dialog
  });
  dialog.addEventListener('close', () => moved(null));
  let touch = null;
  dialog.addEventListener(
    'touchstart',
    (event) => {
      touch = event.touches.length === 1 ? [event.touches[0].clientX, event.touches[0].clientY] : null;
    },
    { passive: true },
  );
  dialog.addEventListener('touchend', (event) => {
    if (touch === null) return;
    const [x, y] = [event.changedTouches[0].clientX - touch[0], event.changedTouches[0].clientY - touch[1]];
    touch = null;
    if (Math.abs(x) > 50 && Math.abs(x) > 2 * Math.abs(y)) beside(x < 0 ? 1 : -1);
  });

  return { show, close: () => dialog.close(), isOpen: () => dialog.open };
}
