// SPDX-License-Identifier: Apache-2.0
// gallery.mjs - uses the gallery of 1,500 pairs as a reader does, and compares it with the tables behind it.
//
//   node gallery.mjs NODE_MODULES PICTURES SET PAGE.html BARE.html REPORT.json
//
// SET is what make_sets.py made, with match/, PAGE.html and BARE.html (without faces) are known_report's of it, REPORT.json says
// which pairs are discoveries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { address, checkAccess, start, watch } from './chromium.mjs';

const [modules, pictures, set, path, bare, report] = process.argv.slice(2);
const { browser, axe } = await start(modules);
let problems = 0;
function say(problem) {
  problems++;
  console.log(`not ok - gallery: ${problem}`);
}
function same(found, expected, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) say(`${what}: found ${a?.slice(0, 200)}, expected ${b?.slice(0, 200)}`);
}
const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

// ---- the tables, read without the program ----------------------------------------------------------------------

function table(...parts) {
  const text = readFileSync(join(set, ...parts), 'utf8');
  const records = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    records.at(-1).push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain);
    if (end === '\n') records.push([]);
  }
  const [names, ...rows] = records.filter((record) => record.length > 1);
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
}
const number = (text) => (text === '' ? null : Number(text));
const faces = ['synthetic', 'training'].map((name) =>
  table(name, 'images.csv').filter((image) => image.row !== ''),
);
const discovery = JSON.parse(readFileSync(report)).pairs.map((pair) => pair.discovery);
const known = table('known.csv');
const pairs = table('match', 'pairs.csv')
  .slice(0, 1500)
  .map((pair, i) => {
    const sides = [faces[0][pair.probe], faces[1][pair.reference]];
    const both = (column, choose) => choose(...sides.map((side) => Math.abs(Number(side[column]))));
    return {
      rank: i + 1,
      score: Number(pair.score),
      margin: number(known[i].margin),
      q: number(known[i].q),
      e: number(known[i].e_value),
      kind: known[i].kind || null,
      reviewed: known[i].reviewed || null,
      found: discovery[i],
      paths: [pair.probe_path, pair.reference_path],
      names: [pair.probe_identity, pair.reference_identity],
      age: both('age', Math.min),
      yaw: both('yaw', Math.max),
      sharpness: both('sharpness', Math.min),
      detector: both('detector_score', Math.min),
      oldest: both('age', Math.max),
    };
  });
same(pairs.length, 1500, 'pairs of the test');
const kinds = ['same picture', 'same picture, mirrored', 'other picture', 'unknown'];

// Ranks in the order of a value, what is not known last, equals by rank.
function ranks(value, low, fits = () => true) {
  return pairs
    .filter(fits)
    .map((pair) => ({ rank: pair.rank, v: value(pair) }))
    .sort((a, b) => {
      if ((a.v === null) !== (b.v === null)) return a.v === null ? 1 : -1;
      return (a.v === null ? 0 : low ? a.v - b.v : b.v - a.v) || a.rank - b.rank;
    })
    .map(({ rank }) => rank);
}

// ---- what the page shows ---------------------------------------------------------------------------------------

const shown = (page) =>
  page.$$eval('#pair-list > li', (cards) =>
    cards.map((card) => Number(card.querySelector('.score span').textContent.slice(1))),
  );
const tally = (page) => page.locator('.tally').textContent();
const first = 24;
// Looks at the first page, the second and the last.
async function sameOrder(page, expected, what) {
  const last = Math.ceil(expected.length / first);
  const seen = await shown(page);
  same(seen, expected.slice(0, first), `${what}, page 1`);
  if (last < 2) return;
  await page.locator('.pager button').nth(1).click();
  same(await shown(page), expected.slice(first, 2 * first), `${what}, page 2`);
  await page.evaluate((n) => (location.hash = location.hash.replace(/page=\d+/, `page=${n}`)), last);
  await page.waitForFunction(
    (n) => document.querySelector('.pager span').textContent.startsWith(`${n} `),
    last,
  );
  same(await shown(page), expected.slice((last - 1) * first), `${what}, last page`);
}
async function withPage(what, url, options, test) {
  const { context, page } = await watch(browser, url, options, (problem) => say(`${what}: ${problem}`));
  try {
    await page.waitForLoadState();
    await test(page);
  } catch (error) {
    say(`${what}: ${error.message.split('\n').slice(0, 3).join(' ')}`);
  }
  await context.close();
}

// ---- speed: from the address to the page sorted by another number -----------------------------------------------

async function speed() {
  const times = [];
  for (let run = 0; run < 3; run++) {
    const { context, page } = await watch(browser, address(path), desktop, (problem) =>
      say(`speed: ${problem}`),
    );
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.locator('#sort').selectOption('e');
    await page.waitForFunction(
      (rank) => document.querySelector('#pair-list .score span').textContent === `#${rank}`,
      ranks((pair) => pair.e, true)[0],
    );
    const wall = await page.evaluate(() => performance.now());
    const { metrics } = await session.send('Performance.getMetrics');
    const cpu = 1000 * metrics.find(({ name }) => name === 'ThreadTime').value;
    const turn = await page.evaluate(async () => {
      const begin = performance.now();
      document.querySelectorAll('.pager button')[1].click();
      await Promise.all([...document.querySelectorAll('#pair-list img')].map((image) => image.decode()));
      return performance.now() - begin;
    });
    times.push({ wall, cpu, turn });
    await context.close();
  }
  const best = (key) => Math.round(Math.min(...times.map((time) => time[key])));
  console.log(
    `gallery: 1,500 pairs, ${(readFileSync(path).length / 1e6).toFixed(1)} MB: sorted anew ${best('wall')} ms after ` +
      `the page was asked for, with ${best('cpu')} ms of processor time in its main thread; next page drawn in ${best('turn')} ms (best of 3)`,
  );
  // On a busy machine the clock measures the others, so the time of the thread that does all of it may stand for it.
  if (Math.min(best('wall'), best('cpu')) > 2000) say('it takes more than 2 s until the page can be used');
}

// ---- order -----------------------------------------------------------------------------------------------------

async function order() {
  const values = {
    score: [(pair) => pair.score, false],
    margin: [(pair) => pair.margin, false],
    e: [(pair) => pair.e, true],
    q: [(pair) => pair.q, true],
    age: [(pair) => pair.age, true],
    yaw: [(pair) => pair.yaw, true],
    sharpness: [(pair) => pair.sharpness, false],
    detector: [(pair) => pair.detector, false],
    kind: [(pair) => (pair.kind === null ? null : kinds.indexOf(pair.kind)), true],
    found: [(pair) => Number(pair.found), false],
  };
  await withPage('order', address(path), desktop, async (page) => {
    const offered = await page.$$eval('#sort option', (options) => options.map((option) => option.value));
    same(offered.toSorted(), [...Object.keys(values), 'reviewed'].toSorted(), 'orders offered');
    for (const [key, [value, low]] of Object.entries(values)) {
      await page.locator('#sort').selectOption(key);
      await sameOrder(page, ranks(value, low), `by ${key}`);
      await page.locator('#order').click();
      await sameOrder(page, ranks(value, !low), `by ${key}, the other way`);
    }
  });
}

// ---- filters ---------------------------------------------------------------------------------------------------

async function filters() {
  await withPage('filters', address(path), desktop, async (page) => {
    const check = async (fits, what) => {
      const expected = ranks((pair) => pair.score, false, fits);
      same(await tally(page), `${expected.length} of 1500 pairs`, `${what}, number`);
      if (expected.length === 0 || expected.length === 1500) say(`${what}: the test shows nothing`);
      await sameOrder(page, expected, what);
    };
    const again = () => page.locator('#reset').click();
    await page.locator('.filters summary').click();
    await page.locator('#e-high').fill('1e-4');
    await check((pair) => pair.e !== null && pair.e <= 1e-4, 'E-value');
    await page.locator('#margin-low').fill('0.1');
    await page.locator('#margin-high').fill('0.3');
    await check(
      (p) => p.e !== null && p.e <= 1e-4 && p.margin !== null && p.margin >= 0.1 && p.margin <= 0.3,
      'two ranges',
    );
    await again();
    same(await page.locator('#e-high').inputValue(), '', 'field after the reset');
    await page.locator('#age-low').fill('20');
    await page.locator('#age-high').fill('50');
    await check((pair) => pair.age >= 20 && pair.oldest <= 50, 'age of both');
    await again();
    await page.locator('#yaw-high').fill('15');
    await check((pair) => pair.yaw <= 15, 'yaw without its sign');
    await again();
    await page.getByLabel('same picture, mirrored').check();
    await check((pair) => pair.kind === kinds[1], 'one kind');
    await page.getByLabel('unknown').check();
    await check((pair) => [kinds[1], 'unknown'].includes(pair.kind), 'two kinds');
    await page.getByLabel('reviewers differ').check();
    await check(
      (p) => [kinds[1], 'unknown'].includes(p.kind) && p.reviewed === 'reviewers differ',
      'kind and reviewers',
    );
    await again();
    await page.locator('#found').selectOption('yes');
    await check((pair) => pair.found, 'discoveries');
    await page.locator('#found').selectOption('no');
    await check((pair) => !pair.found, 'others');
    await again();
    await page.locator('#find').fill('ING-01');
    await check((pair) => pair.names.some((name) => name.toLowerCase().includes('ing-01')), 'identity');
    await page.locator('#find').fill('nobody is called so');
    same(await shown(page), [], 'nobody');
    same(await page.locator('.nothing').isVisible(), true, 'a word when nothing fits');
    await again();
    same(await tally(page), '1500 pairs', 'all again');
  });
}

// ---- the address -----------------------------------------------------------------------------------------------

async function addresses() {
  let copied = '';
  let seen = null;
  await withPage('address', address(path), desktop, async (page) => {
    await page.locator('#sort').selectOption('q');
    await page.locator('#order').click();
    await page.locator('.filters summary').click();
    await page.locator('#score-high').fill('0.6');
    await page.getByLabel('other picture').check();
    await page.locator('#show').selectOption('60');
    await page.locator('.pager button').nth(1).click();
    copied = page.url();
    seen = await shown(page);
    same(seen.length, 60, 'pairs of a page');
  });
  if (seen === null) return;
  await withPage('address opened', copied, desktop, async (page) => {
    same(await shown(page), seen, 'pairs of a copied address');
    same(await page.locator('#sort').inputValue(), 'q', 'order of a copied address');
    same(await page.locator('#score-high').inputValue(), '0.6', 'range of a copied address');
    same(page.url(), copied, 'a copied address');
  });
  await withPage('address of a pair', address(path, '#pairs?sort=e&pair=700'), desktop, async (page) => {
    same(
      await page
        .locator('#pair-title')
        .textContent()
        .then((text) => text.startsWith('Pair 700 ')),
      true,
      'pair shown',
    );
    await page.keyboard.press('Escape');
    same((await shown(page)).includes(700), true, 'its page');
  });
  for (const view of [
    '#pairs?sort=__proto__&order=x&e=x..y&score=..&q=1&page=-3&pair=zzz&show=1e9&kind=%3Cb%3E',
    '#pairs?%%%',
    '#pairs',
    '#margins',
    '#pairs?page=99999&find=',
  ])
    await withPage(`address ${view}`, address(path, view), desktop, async (page) => {
      const last = view.includes('99999');
      same(await shown(page), ranks((pair) => pair.score, false).slice(...(last ? [-12] : [0, first])), view);
    });
}

// ---- the keyboard alone ----------------------------------------------------------------------------------------

async function keyboard() {
  await withPage('keyboard', address(path), desktop, async (page) => {
    const focused = (selector) => page.evaluate((s) => document.activeElement.matches(s), selector);
    const tabTo = async (selector) => {
      for (let i = 0; i < 60 && !(await focused(selector)); i++) await page.keyboard.press('Tab');
      if (!(await focused(selector))) throw new Error(`Tab does not reach ${selector}`);
    };
    const card = async () =>
      Number(
        (await page.evaluate(() =>
          document.activeElement.closest('li')?.querySelector('.score span').textContent.slice(1),
        )) ?? 0,
      );
    await tabTo('#sort');
    await page.keyboard.press('ArrowDown');
    const by = ranks((pair) => pair.margin, false);
    same(await shown(page), by.slice(0, first), 'order chosen by an arrow key');
    await tabTo('.filters summary');
    await page.keyboard.press('Enter');
    await tabTo('#margin-low');
    await page.keyboard.type('-0.1');
    const left = by.filter((rank) => pairs[rank - 1].margin !== null && pairs[rank - 1].margin >= -0.1);
    same(await shown(page), left.slice(0, first), 'filter typed');
    await tabTo('.zoom');
    same(await card(), left[0], 'first card');
    const columns = await page.$eval(
      '#pair-list',
      (list) => getComputedStyle(list).gridTemplateColumns.split(' ').length,
    );
    for (const [key, at] of [
      ['ArrowRight', 1],
      ['ArrowDown', 1 + columns],
      ['ArrowLeft', columns],
      ['ArrowUp', 0],
      ['End', first - 1],
      ['ArrowRight', first],
      ['ArrowLeft', first - 1],
      ['Home', 0],
    ]) {
      await page.keyboard.press(key);
      same(await card(), left[at], `card after ${key}`);
    }
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    same(outline, 'solid', 'the focus is seen');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const title = async () => (await page.locator('#pair-title').textContent()).split(' ')[1];
    same(await title(), String(left[first - 1]), 'large view');
    await page.keyboard.press('ArrowRight');
    same(await title(), String(left[first]), 'large view, on to the next page');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    same(page.url().includes(`pair=${left[first]}`), true, 'the pair is in the address');
    await page.keyboard.press('Escape');
    same(await page.locator('dialog').isVisible(), false, 'Escape closes');
    same(await card(), left[first], 'the focus is back on the card');
    same(page.url().includes('pair='), false, 'the pair is out of the address');
  });
}

// ---- a touch screen --------------------------------------------------------------------------------------------

async function touch() {
  await withPage('touch', address(path), phone, async (page) => {
    await page.locator('html[data-drawn="all"]').waitFor({ state: 'attached', timeout: 60000 }); // charts move the pairs down
    await page.locator('.zoom').nth(2).tap();
    const title = async () => (await page.locator('#pair-title').textContent()).split(' ')[1];
    same(await title(), '3', 'tapped');
    await page.screenshot({ path: `${pictures}/gallery-pair-390.png` });
    const session = await page.context().newCDPSession(page);
    const swipe = async (from, to) => {
      const at = (x) => ({ touchPoints: [{ x, y: 300 }] });
      await session.send('Input.dispatchTouchEvent', { type: 'touchStart', ...at(from) });
      await session.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at((from + to) / 2) });
      await session.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at(to) });
      await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    };
    await swipe(300, 90);
    same(await title(), '4', 'swiped on');
    await swipe(90, 300);
    same(await title(), '3', 'swiped back');
    await page.getByLabel('Close', { exact: true }).tap();
    same(await page.locator('dialog').isVisible(), false, 'closed');
    const low = await page.$$eval(
      '#gallery button:not(.zoom), #gallery select, #gallery input:not([type=checkbox])',
      (controls) =>
        controls.filter((control) => control.offsetHeight > 0 && control.offsetHeight < 44).length,
    );
    same(low, 0, 'controls lower than a finger');
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    same(Math.max(over, 0), 0, 'pixels beside the screen');
  });
}

// ---- without JavaScript, on paper, without faces, for everybody -------------------------------------------------

async function others() {
  await withPage('no JavaScript', address(path), { ...desktop, javaScriptEnabled: false }, async (page) => {
    same(await page.locator('#pair-list > li').count(), first, 'pairs without JavaScript');
    const there = pairs
      .slice(0, first)
      .flatMap((pair) => pair.paths.filter((name) => !name.startsWith('/nowhere')));
    same(await page.locator('#pair-list img').count(), there.length, 'pictures without JavaScript');
    const word = await page.locator('#pairs noscript').textContent();
    same(word.includes('need JavaScript here'), true, 'a word about the others');
    await page.locator('#pairs').screenshot({ path: `${pictures}/gallery-no-script.png` });
  });
  await withPage(
    'print',
    address(path, '#pairs?show=60'),
    { viewport: { width: 760, height: 900 } },
    async (page) => {
      await page.emulateMedia({ media: 'print' });
      same(await page.locator('#pair-list > li:visible').count(), first, 'pairs on paper');
      same(await page.locator('.controls').isVisible(), false, 'controls on paper');
      await page.locator('#pairs').screenshot({ path: `${pictures}/gallery-print.png` });
    },
  );
  await withPage('no faces', address(bare), desktop, async (page) => {
    same(await page.locator('#pairs img').count(), 0, 'pictures without faces');
    same(await page.locator('#find').count(), 0, 'search for names without names');
    const html = readFileSync(bare, 'utf8');
    same(
      [/data:image/, /\.jpg/, /training-\d/, /synthetic-\d/].map((pattern) => pattern.test(html)),
      [false, false, false, false],
      'traces',
    );
    await page.locator('#sort').selectOption('margin');
    await sameOrder(
      page,
      ranks((pair) => pair.margin, false),
      'by margin without faces',
    );
    await page.locator('.zoom').first().click();
    same(await page.locator('dialog img').count(), 0, 'pictures in the large view');
  });
  for (const options of [desktop, phone])
    for (const colorScheme of ['light', 'dark']) {
      const what = `${options.viewport.width}-${colorScheme}`;
      await withPage(`access ${what}`, address(path), { ...options, colorScheme }, async (page) => {
        await page.locator('.filters summary').click();
        await checkAccess(page, axe, (problem) => say(`${what}, filters open: ${problem}`));
        await page.locator('#pairs').screenshot({ path: `${pictures}/gallery-${what}.png` });
        await page.locator('.zoom').first().click();
        await checkAccess(page, axe, (problem) => say(`${what}, large view: ${problem}`));
        await page.screenshot({ path: `${pictures}/gallery-pair-${what}.png` });
      });
    }
}

await speed();
await order();
await filters();
await addresses();
await keyboard();
await touch();
await others();
await browser.close();
console.log(`gallery: ${problems} problems`);
process.exit(problems > 0 ? 1 : 0);
