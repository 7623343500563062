// gallery.js - sorts, filters and pages the pairs; the view, and which pair is large, are kept in the address.
(() => {
  'use strict';
  const list = document.getElementById('pair-list');
  const facts = JSON.parse(document.getElementById('pair-facts').textContent);
  const { pairs, measures } = facts;
  if (pairs.length === 0) return;
  const THIN = '\u202f';
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const count = (n) => (n < 10000 ? String(n) : String(n).replace(/\B(?=(\d{3})+$)/g, THIN));
  const upper = (text) => (text[1] === '-' ? text : text[0].toUpperCase() + text.slice(1)); // q-value

  // ---- pictures: on the first page they stand in the page, all others are lines of one text -------------------
  const shownPictures = new Map();
  for (const image of list.querySelectorAll('img'))
    shownPictures.set(Number(image.dataset.picture), image.src);
  const store = document.getElementById('pair-pictures');
  let lines = null;
  function pictureOf(number) {
    if (number < facts.pictures_from) return shownPictures.get(number);
    lines ??= store.textContent.split('\n');
    return store.dataset.head + lines[number - facts.pictures_from];
  }

  // ---- the cards, as the page has them, with a button over each ------------------------------------------------
  const rest = document.getElementById('pair-rest').content;
  const cards = [...list.children, ...rest.children];
  pairs.forEach((pair, i) => {
    pair.card = cards[i];
    const open = make('button', { type: 'button', className: 'zoom' });
    open.setAttribute('aria-label', `Pair ${pair.rank}, score ${pair.score.toFixed(3)}: show it large`);
    open.addEventListener('click', () => large.show(pair));
    pair.open = open;
    pair.card.append(open);
  });

  // ---- what the order and the filters go by --------------------------------------------------------------------
  const texts = (key) => {
    const found = new Set(pairs.map((pair) => pair[key]).filter((text) => text !== null));
    const known = facts.kinds.filter((text) => key === 'kind' && found.has(text));
    return [...known, ...[...found].filter((text) => !known.includes(text))];
  };
  const choices = {};
  for (const [key, label] of [
    ['kind', 'kind'],
    ['reviewed', 'reviewed'],
  ]) {
    const values = texts(key);
    if (values.length > 0 && values.length <= 24) choices[key] = { label, values };
  }
  const anyFound = pairs.some((pair) => pair.found);
  // Both faces' values of a measure: the larger turn of the head, the lower of anything else, decides the order.
  const both = (pair, measure) =>
    pair.sides
      .map((side) => side[measure.key])
      .filter((value) => value !== undefined)
      .map((value) => (measure.of === 'larger' ? Math.abs(value) : value));
  function orderValue(pair, measure) {
    if (measure.of === null) return pair[measure.key];
    const values = both(pair, measure);
    if (values.length === 0) return null;
    return measure.of === 'larger' ? Math.max(...values) : Math.min(...values);
  }
  const orders = new Map();
  for (const measure of measures)
    orders.set(measure.key, {
      label: upper(measure.label) + (measure.of ? `, ${measure.of} of both` : ''),
      low: measure.low,
      words: ['lowest first', 'highest first'],
      value: (pair) => orderValue(pair, measure),
    });
  for (const [key, { label, values }] of Object.entries(choices))
    orders.set(key, {
      label: upper(label),
      low: true,
      words: ['in order', 'reversed'],
      value: (pair) => (pair[key] === null ? null : values.indexOf(pair[key])),
    });
  if (anyFound)
    orders.set('found', {
      label: 'Discovery',
      low: false,
      words: ['others first', 'discoveries first'],
      value: (pair) => Number(pair.found),
    });

  // ---- the view, and the address that says it ------------------------------------------------------------------
  const sizes = [24, 60, 120];
  const start = () => ({
    sort: 'score',
    low: false,
    page: 1,
    show: facts.first,
    find: '',
    found: '',
    ranges: {},
    chosen: { kind: [], reviewed: [] },
    pair: null,
  });
  let view = start();
  let shown = pairs;

  function toAddress() {
    const words = new URLSearchParams();
    if (view.sort !== 'score' || view.low) {
      words.set('sort', view.sort);
      words.set('order', view.low ? 'low' : 'high');
    }
    for (const [key, [low, high]] of Object.entries(view.ranges)) words.set(key, `${low}..${high}`);
    for (const [key, values] of Object.entries(view.chosen))
      for (const value of values) words.append(key, value);
    if (view.found) words.set('found', view.found);
    if (view.find) words.set('find', view.find);
    if (view.show !== facts.first) words.set('show', view.show);
    if (view.page > 1) words.set('page', view.page);
    if (view.pair !== null) words.set('pair', view.pair.rank);
    return words.toString();
  }

  // Anything may stand in an address: what does not fit is passed over.
  function fromAddress(text) {
    const words = new URLSearchParams(text);
    const next = start();
    if (orders.has(words.get('sort'))) {
      next.sort = words.get('sort');
      next.low = words.has('order') ? words.get('order') === 'low' : orders.get(next.sort).low;
    }
    for (const { key } of measures) {
      const [low, high] = (words.get(key) ?? '').split('..').map((s) => s.trim());
      const fine = (s) => s === '' || (s !== undefined && Number.isFinite(Number(s)));
      if (fine(low) && fine(high) && (low !== '' || high !== '')) next.ranges[key] = [low, high];
    }
    for (const [key, { values }] of Object.entries(choices))
      next.chosen[key] = values.filter((value) => words.getAll(key).includes(value));
    if (anyFound && ['yes', 'no'].includes(words.get('found'))) next.found = words.get('found');
    if (facts.names) next.find = (words.get('find') ?? '').slice(0, 200);
    if (sizes.includes(Number(words.get('show')))) next.show = Number(words.get('show'));
    next.page = Math.max(1, Math.floor(Number(words.get('page'))) || 1);
    next.pair = pairs.find((pair) => String(pair.rank) === words.get('pair')) ?? null;
    return next;
  }

  const START_OF_VIEW = '#pairs?';
  function readAddress() {
    if (!location.hash.startsWith(START_OF_VIEW)) return false;
    view = fromAddress(location.hash.slice(START_OF_VIEW.length));
    return true;
  }
  function writeAddress() {
    const words = toAddress();
    if (words === '' && !location.hash.startsWith(START_OF_VIEW)) return;
    history.replaceState(null, '', words === '' ? '#pairs' : START_OF_VIEW + words);
  }

  // ---- filter and order ----------------------------------------------------------------------------------------
  function fits(pair) {
    if (view.found && pair.found !== (view.found === 'yes')) return false;
    for (const [key, values] of Object.entries(view.chosen))
      if (values.length > 0 && !values.includes(pair[key])) return false;
    for (const measure of measures) {
      const range = view.ranges[measure.key];
      if (range === undefined) continue;
      const values = measure.of === null ? [pair[measure.key]] : both(pair, measure);
      const [low, high] = range;
      const inside = (v) =>
        v !== null && (low === '' || v >= Number(low)) && (high === '' || v <= Number(high));
      if (values.length === 0 || !values.every(inside)) return false;
    }
    const wanted = view.find.trim().toLowerCase();
    return (
      wanted === '' || pair.sides.some((s) => (s.identity ?? s.path ?? '').toLowerCase().includes(wanted))
    );
  }
  function filterWords() {
    const words = view.found ? [view.found === 'yes' ? 'discoveries only' : 'no discoveries'] : [];
    for (const { key, label } of measures) {
      const [low, high] = view.ranges[key] ?? ['', ''];
      if (low !== '') words.push(`${label} from ${low}${high !== '' ? ` to ${high}` : ''}`);
      else if (high !== '') words.push(`${label} up to ${high}`);
    }
    for (const [key, values] of Object.entries(view.chosen))
      if (values.length > 0) words.push(`${key}: ${values.join(' or ')}`);
    return words;
  }
  // What is not known comes last in either order; equals stand by rank.
  function arrange() {
    const { value } = orders.get(view.sort);
    const sign = view.low ? 1 : -1;
    const keyed = pairs.filter(fits).map((pair) => [value(pair), pair]);
    keyed.sort(([a, p], [b, q]) => {
      if (a === null || b === null) return (a === null) - (b === null) || p.rank - q.rank;
      return sign * (a - b) || p.rank - q.rank;
    });
    shown = keyed.map(([, pair]) => pair);
  }

  // ---- the controls --------------------------------------------------------------------------------------------
  const controls = [];
  /* Each control writes itself into the view, and is set from it. */
  function control(element, event, write, read) {
    element.addEventListener(event, () => {
      write(element);
      view.page = 1;
      update();
    });
    controls.push(() => read(element));
    return element;
  }
  const labelled = (text, element) => make('label', {}, make('span', { textContent: text }), element);
  const option = (value, text) => make('option', { value, textContent: text });

  const sort = control(
    make('select', { id: 'sort' }, ...[...orders].map(([key, { label }]) => option(key, label))),
    'change',
    (e) => {
      view.sort = e.value;
      view.low = orders.get(e.value).low;
    },
    (e) => (e.value = view.sort),
  );
  const order = control(
    make('button', { type: 'button', id: 'order' }),
    'click',
    () => (view.low = !view.low),
    (e) => {
      e.textContent = (view.low ? '\u2191 ' : '\u2193 ') + orders.get(view.sort).words[view.low ? 0 : 1];
    },
  );
  const bar = make('div', { className: 'bar' }, labelled('Sort by', sort), order);
  if (facts.names)
    bar.append(
      labelled(
        'Identity',
        control(
          make('input', { type: 'search', id: 'find', placeholder: 'search', autocomplete: 'off' }),
          'input',
          (e) => (view.find = e.value),
          (e) => (e.value = view.find),
        ),
      ),
    );

  function rangeField(measure) {
    const ends = [0, 1].map((end) => {
      const name = `${upper(measure.label)}, ${end === 0 ? 'at least' : 'at most'}`;
      const input = make('input', { type: 'number', step: 'any', placeholder: end === 0 ? 'from' : 'to' });
      input.id = `${measure.key}-${end === 0 ? 'low' : 'high'}`;
      input.setAttribute('aria-label', name);
      return control(
        input,
        'input',
        (e) => {
          const range = [...(view.ranges[measure.key] ?? ['', ''])];
          range[end] = e.value;
          if (range[0] === '' && range[1] === '') delete view.ranges[measure.key];
          else view.ranges[measure.key] = range;
        },
        (e) => {
          const value = (view.ranges[measure.key] ?? ['', ''])[end];
          if (document.activeElement !== e) e.value = value;
        },
      );
    });
    const legend = upper(measure.label) + (measure.of ? ', both' : '');
    return make(
      'fieldset',
      {},
      make('legend', { textContent: legend }),
      make('div', { className: 'ends' }, ...ends),
    );
  }
  function choiceField(key, { label, values }) {
    const boxes = values.map((value) =>
      make(
        'label',
        { className: 'tick' },
        control(
          make('input', { type: 'checkbox', name: key, value }),
          'change',
          (e) => {
            const others = view.chosen[key].filter((v) => v !== value);
            view.chosen[key] = e.checked ? values.filter((v) => v === value || others.includes(v)) : others;
          },
          (e) => (e.checked = view.chosen[key].includes(value)),
        ),
        make('span', { textContent: value }),
        make('small', { textContent: count(pairs.filter((pair) => pair[key] === value).length) }),
      ),
    );
    return make('fieldset', { className: 'wide' }, make('legend', { textContent: upper(label) }), ...boxes);
  }
  function foundField() {
    const select = make(
      'select',
      { id: 'found' },
      option('', 'all pairs'),
      option('yes', 'discoveries only'),
      option('no', 'others only'),
    );
    select.setAttribute('aria-label', 'Discovery');
    control(
      select,
      'change',
      (e) => (view.found = e.value),
      (e) => (e.value = view.found),
    );
    return make('fieldset', {}, make('legend', { textContent: 'Discovery' }), select);
  }
  const active = make('b', {});
  const filters = make(
    'details',
    { className: 'filters' },
    make('summary', {}, 'Filter', active),
    make(
      'div',
      { className: 'fields' },
      ...(anyFound ? [foundField()] : []),
      ...measures.map(rangeField),
      ...Object.entries(choices).map(([key, choice]) => choiceField(key, choice)),
    ),
  );
  const reset = make('button', { type: 'button', id: 'reset', textContent: 'Show all' });
  reset.addEventListener('click', () => {
    view = { ...start(), sort: view.sort, low: view.low, show: view.show };
    update();
    sort.focus(); // the button is gone
  });
  const tally = make('p', { className: 'tally' });
  const chosen = make('p', { className: 'chosen' });
  tally.setAttribute('role', 'status');
  const nothing = make('p', {
    className: 'nothing',
    textContent: 'No pair fits these filters.',
    hidden: true,
  });

  function pager(where) {
    const step = (by, text) => {
      const button = make('button', { type: 'button', textContent: text });
      button.addEventListener('click', () => {
        turn(view.page + by);
        if (where === 'below') list.scrollIntoView({ block: 'start' });
        if (button.disabled) (by > 0 ? back : next).focus();
      });
      return button;
    };
    const back = step(-1, '\u2039 Back');
    const next = step(1, 'Next \u203a');
    const place = make('span', {});
    const group = make('div', { className: 'pager' }, back, place, next);
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', `Pages, ${where} the pairs`);
    controls.push(() => {
      const last = pages();
      group.hidden = last < 2;
      back.disabled = view.page <= 1;
      next.disabled = view.page >= last;
      place.textContent = `${count(view.page)} of ${count(last)}`;
    });
    return group;
  }
  const size = labelled(
    'A page',
    control(
      make('select', { id: 'show' }, ...sizes.map((n) => option(n, String(n)))),
      'change',
      (e) => (view.show = Number(e.value)),
      (e) => (e.value = view.show),
    ),
  );
  const above = make('div', { className: 'above' }, tally, chosen, reset, pager('above'));
  const below = make('div', { className: 'below' }, size, pager('below'));
  list.before(make('div', { className: 'controls' }, bar, filters, above), nothing);
  list.after(below);

  // ---- drawing -------------------------------------------------------------------------------------------------
  const pages = () => Math.max(1, Math.ceil(shown.length / view.show));
  const onPage = () => shown.slice((view.page - 1) * view.show, view.page * view.show);

  function draw() {
    const page = onPage();
    for (const pair of page)
      for (const image of pair.card.querySelectorAll('img:not([src])'))
        image.src = pictureOf(Number(image.dataset.picture));
    const kept = new Set(page.map((pair) => pair.card));
    for (const card of list.children)
      if (!kept.has(card)) for (const image of card.querySelectorAll('img')) image.removeAttribute('src');
    list.replaceChildren(...page.map((pair) => pair.card));
    list.start = (view.page - 1) * view.show + 1;
  }
  function update() {
    arrange();
    view.page = Math.min(view.page, pages());
    const words = filterWords();
    active.textContent = words.length > 0 ? ` ${words.length}` : '';
    chosen.textContent = words.join('; ');
    reset.hidden = words.length === 0 && view.find === '';
    tally.textContent =
      shown.length === pairs.length
        ? `${count(pairs.length)} pairs`
        : `${count(shown.length)} of ${count(pairs.length)} pairs`;
    nothing.hidden = shown.length > 0;
    for (const read of controls) read();
    draw();
    writeAddress();
  }
  function turn(page) {
    view.page = Math.min(Math.max(1, page), pages());
    for (const read of controls) read();
    draw();
    writeAddress();
  }

  function reveal(index) {
    const page = Math.floor(index / view.show) + 1;
    if (page !== view.page) turn(page);
  }

  // ---- the keyboard: arrows go from card to card, and on to the next page --------------------------------------
  const columns = () => getComputedStyle(list).gridTemplateColumns.split(' ').length;
  const isArrow = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: columns };
  function goTo(index) {
    if (shown[index] === undefined) return;
    reveal(index);
    shown[index].open.focus();
  }
  list.addEventListener('keydown', (event) => {
    const at = shown.findIndex((pair) => pair.open === event.target);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const first = (view.page - 1) * view.show;
    let to = null;
    if (event.key in isArrow) to = at + isArrow[event.key]();
    else if (event.key === 'Home') to = first;
    else if (event.key === 'End') to = Math.min(first + view.show, shown.length) - 1;
    if (to === null) return;
    event.preventDefault();
    goTo(to);
  });

  // ---- one pair, large -----------------------------------------------------------------------------------------
  const large = pairView({
    make,
    count,
    facts,
    choices,
    pictureOf,
    parent: list.parentElement,
    shown: () => shown,
    moved(pair) {
      const before = view.pair;
      view.pair = pair;
      if (pair !== null) reveal(shown.indexOf(pair));
      else before?.open.focus();
      writeAddress();
    },
  });

  // ---- start ---------------------------------------------------------------------------------------------------
  function follow() {
    if (!readAddress()) return false;
    const { pair } = view;
    view.pair = null;
    update();
    if (pair !== null && shown.includes(pair)) large.show(pair);
    else if (large.isOpen()) large.close();
    else document.getElementById('pairs').scrollIntoView();
    return true;
  }
  if (!follow()) update();
  window.addEventListener('hashchange', follow);
  performance.mark('gallery');
})();
