// adjudicate.js - the adjudicator's screen: every case with all that is known about it, and a decision on it.
(() => {
  'use strict';
  const SAID = {
    '-3': 'certainly different',
    '-2': 'probably different',
    '-1': 'rather different',
    0: 'undecided',
    1: 'rather the same',
    2: 'probably the same',
    3: 'certainly the same',
    no_face: 'no face',
    child: 'a child',
    cannot_say: 'cannot say',
  };
  const DECIDED = { same: 'the same person', different: 'different people', uncertain: 'uncertain' };
  const FILTERS = {
    all: () => true,
    open: (c) => c.decision === null,
    split: (c) => c.unanimous === 0,
    same: (c) => c.unanimous === 1,
    discovery: (c) => c.discovery,
  };
  let all = null;
  let chosen = []; // cases that the filter lets through
  let at = 0;
  let original = false;
  let urls = []; // of the pictures that are shown

  const make = (name, text) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  function fail(error) {
    if (error.status !== 401 && error.status !== 403) return trouble(error.message);
    for (const id of ['waiting', 'case', 'none']) show(id, false);
    show('refused', true);
    byId('refused-why').textContent = error.message;
    document.querySelector('header').classList.add('bare');
  }

  // ---- one case --------------------------------------------------------------------------------------------

  async function load(image, path, item) {
    const url = await picture(path);
    if (chosen[at]?.item !== item) return URL.revokeObjectURL(url);
    urls.push(url);
    image.src = url;
  }

  function showPictures(c) {
    const what = original ? 'original' : 'crop';
    for (const url of urls) URL.revokeObjectURL(url);
    urls = [];
    ['image', 'reference'].forEach((side, i) => {
      load(byId(`picture-${i}`), `/api/case/${c.item}/${side}/${what}`, c.item).catch(fail);
      const others = byId(`others-${i}`);
      others.replaceChildren();
      for (let k = 0; k < c.others[i]; k++) {
        const image = make('img');
        image.alt = `another photo of ${i === 0 ? 'this identity' : 'this person'}, ${k + 1} of ${c.others[i]}`;
        others.append(image);
        load(image, `/api/case/${c.item}/${side}/other/${k}`, c.item).catch(fail);
      }
    });
    byId('original').setAttribute('aria-pressed', String(original));
  }

  function showFacts(c) {
    byId('facts').replaceChildren(
      ...[
        ['score', c.score === null ? 'not known' : c.score.toFixed(4)],
        ['E-value', c.e_value === null ? 'not known' : c.e_value.toPrecision(3)],
        ['discovery', c.discovery ? 'yes' : 'no'],
        ['reviewers', c.unanimous === 1 ? 'all say the same' : c.unanimous === -1 ? 'all say different' : 'not unanimous'],
      ].map(([name, value]) => {
        const pair = make('div');
        pair.append(make('dt', name), make('dd', value));
        return pair;
      }),
    );
    byId('answers').replaceChildren(
      ...c.answers.map((a, i) => {
        const line = make('li');
        line.append(make('b', all.reviewers[i].name), `: ${SAID[a.answer]} (${(a.milliseconds / 1000).toFixed(1)} s)`);
        if (a.note) line.append(make('br'), a.note);
        return line;
      }),
    );
  }

  function showDecision(c) {
    byId('decided').textContent = c.decision === null ? 'None yet.' : `Decided: ${DECIDED[c.decision]}. A new decision replaces it.`;
    for (const button of document.querySelectorAll('[data-decision]'))
      button.setAttribute('aria-pressed', String(button.dataset.decision === c.decision));
    const decided = all.cases.filter((other) => other.decision !== null).length;
    byId('bar').max = all.cases.length;
    byId('bar').value = decided;
    byId('count').textContent = `${decided} of ${all.cases.length} decided`;
  }

  function showCase() {
    const c = chosen[at];
    show('case', Boolean(c));
    show('none', !c);
    if (!c) return;
    byId('case-title').textContent = `Case ${at + 1} of ${chosen.length}`;
    for (const i of [0, 1]) {
      byId(`name-${i}`).textContent = `${i === 0 ? 'Synthetic' : 'Real'}${c.names[i] ? `: ${c.names[i]}` : ''}`;
      byId(`path-${i}`).textContent = c.paths[i] || '';
    }
    byId('note').value = c.note || '';
    byId('back').disabled = at === 0;
    byId('on').disabled = at === chosen.length - 1;
    showPictures(c);
    showFacts(c);
    showDecision(c);
    say(`Case ${at + 1} of ${chosen.length}`);
  }

  function go(step) {
    if (!chosen[at + step]) return;
    at += step;
    showCase();
    scrollTo(0, 0);
  }

  async function decide(decision) {
    const c = chosen[at];
    const note = byId('note').value.trim();
    await insist('/api/decide', { item: c.item, decision, note }, (error) => trouble(error && error.message));
    Object.assign(c, { decision, note });
    showDecision(c);
    say(`Stored: ${DECIDED[decision]}`);
  }

  // ---- all of them -----------------------------------------------------------------------------------------

  function choose() {
    chosen = all.cases.filter(FILTERS[byId('filter').value]);
    at = 0;
    showCase();
  }

  function showWaiting() {
    byId('waiting-title').textContent = all.complete ? 'All answers are in' : 'The reviewers first';
    byId('waiting-why').textContent = all.complete
      ? 'Once you open the cases the review is closed: no reviewer can take an answer back.'
      : 'The cases can be opened when everybody has answered every pair. Until then this page shows nothing that a reviewer must not know.';
    byId('reviewers').replaceChildren(
      ...all.reviewers.map((r) => {
        const row = make('tr');
        row.append(make('td', r.name), make('td', `${r.done} of ${r.total}`));
        return row;
      }),
    );
    show('again', !all.complete);
    show('close', all.complete);
  }

  async function look(path, body) {
    all = await insist(path, body, (error) => trouble(error && error.message));
    document.querySelector('header').classList.toggle('bare', !all.closed);
    show('waiting', !all.closed);
    if (all.closed) choose();
    else showWaiting();
  }

  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && document.activeElement === byId('note')) byId('case-title').focus();
    if (isTyping(event) || event.target instanceof HTMLSelectElement || !all?.closed || event.repeat) return;
    const keys = {
      j: () => go(1),
      k: () => go(-1),
      o: () => byId('original').click(),
      t: () => byId('note').focus(),
      d: () => decide('different').catch(fail),
      u: () => decide('uncertain').catch(fail),
      s: () => decide('same').catch(fail),
    };
    const key = event.key.toLowerCase();
    if (!(key in keys) || !chosen[at]) return;
    event.preventDefault();
    keys[key]();
  });
  byId('back').addEventListener('click', () => go(-1));
  byId('on').addEventListener('click', () => go(1));
  byId('original').addEventListener('click', () => {
    original = !original;
    showPictures(chosen[at]);
  });
  byId('filter').addEventListener('change', choose);
  byId('again').addEventListener('click', () => look('/api/cases').catch(fail));
  byId('close').addEventListener('click', () => look('/api/close', {}).catch(fail));
  for (const button of document.querySelectorAll('[data-decision]'))
    button.addEventListener('click', () => decide(button.dataset.decision).catch(fail));

  if (token) look('/api/cases').catch(fail);
  else fail(new Refusal(401, 'Open the link that you were given; it ends with # and 32 letters and digits.'));
})();
