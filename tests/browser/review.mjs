// SPDX-License-Identifier: Apache-2.0
// review.mjs - a whole blind review in headless Chromium: three reviewers with known answers, then the adjudicator.
//
//   node review.mjs NODE_MODULES PICTURES LIKENESS REVIEW.db LINKS TRUTH.json ANSWERS.json
//
// Reviewer 1 has the keyboard alone, and the server is killed and started again under their hands; reviewer 2 has a
// phone; reviewer 3 has a mouse, reloads and closes the page. 2 and 3 review at the same time. Fails when anything
// that a reviewer's browser gets tells one pair from another, when an answer is lost or doubled, on an error in the
// console, and on what axe-core finds. Writes the answers that were given to ANSWERS.json.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { checkAccess as checkRules, start } from './chromium.mjs';

const [modules, pictures, likeness, review, links, truthFile, answersFile] = process.argv.slice(2);
const tokens = readFileSync(links, 'utf8').trim().split('\n');
const truth = JSON.parse(readFileSync(truthFile, 'utf8'));
const { browser, axe } = await start(modules);
const problems = [];
const given = [];
const say = (problem) => {
  problems.push(problem);
  console.log(`not ok - ${problem}`);
};

// ---- the server --------------------------------------------------------------------------------------------

let server;
let port = 0;

async function startServer() {
  server = spawn(likeness, ['review', 'serve', '--quiet', review, ...(port ? ['--port', String(port)] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((done) => server.stdout.once('data', (data) => done(String(data))));
  port = Number(/:(\d+)\//.exec(line)[1]);
}

function endServer(signal) {
  const ended = new Promise((done) => server.once('exit', (code) => done(code)));
  server.kill(signal);
  return ended;
}

// Also when this test fails.
process.on('exit', () => server?.kill('SIGKILL'));

const linkOf = (who) => `http://127.0.0.1:${port}/${who === tokens.length - 1 ? 'adjudicate' : ''}#${tokens[who]}`;

// ---- known answers -----------------------------------------------------------------------------------------

const KEYS = { no_face: 'n', child: 'c', cannot_say: 'x' };

// Depends on the item and the reviewer alone: mostly right, seldom sure, sometimes something else.
function knownAnswer(screen) {
  const { item, kind, repeats, reviewer } = truth[screen];
  const shown = repeats ?? item;
  const same = kind === 'mated' || (shown <= 26 && shown % 3 === 1);
  const dice = (item * 7919 + reviewer * 104729) % 97;
  if (dice < 3) return ['no_face', 'child', 'cannot_say'][dice];
  if (dice < 12) return String((same ? -1 : 1) * (1 + (dice % 2)));
  if (dice < 17) return '0';
  return String((same ? 1 : -1) * (1 + (dice % 3)));
}

// ---- what a browser gets -----------------------------------------------------------------------------------

// Words and numbers that only somebody who knows the truth can have.
const FORBIDDEN = [
  /candidate/i, /mated/i, /decoy/i, /repeat/i, /\beasy\b/i, /discover/i, /synthetic/i, /\btrain/i, /hold-?out/i,
  /e[-_]value/i, /score/i, /\brank/i, /identity/i, /person_/i, /\.jpe?g/i, /0\.[67]\d/, /0\.00\d/, /swapped/i,
];

class Network {
  constructor(name) {
    this.name = name;
    this.kinds = new Map();
    this.waiting = [];
  }
  watch(page) {
    page.on('response', (response) => this.waiting.push(this.take(response)));
  }
  async take(response) {
    const url = new URL(response.url());
    if (url.protocol === 'blob:') return;
    if (url.host !== `127.0.0.1:${port}`) say(`${this.name}: a request to ${url}`);
    const body = await response.body().catch(() => null);
    if (body === null || response.status() !== 200) return;
    const head = JSON.stringify(await response.allHeaders());
    const isPicture = url.pathname.startsWith('/api/picture/');
    // The page's own files are the same for every pair.
    const text = head + url.pathname + (url.pathname.startsWith('/api/') && !isPicture ? body.toString() : '');
    for (const word of FORBIDDEN) if (word.test(text)) say(`${this.name}: ${url.pathname} holds ${word}`);
    const kind = isPicture
      ? url.pathname.split('/').pop()
      : url.pathname.startsWith('/api/') ? 'screen' : url.pathname;
    if (!this.kinds.has(kind)) this.kinds.set(kind, new Set());
    this.kinds.get(kind).add(`${body.length}+${head.replace(/"date":"[^"]*"/, '').length}`);
  }
  async check() {
    await Promise.all(this.waiting);
    for (const [kind, lengths] of this.kinds)
      if (lengths.size !== 1) say(`${this.name}: replies with ${kind} have the lengths ${[...lengths]}`);
    for (const kind of ['crop', 'original', 'screen'])
      if (!this.kinds.has(kind)) say(`${this.name}: no ${kind} was seen on the network`);
  }
}

async function checkDom(page, name) {
  const html = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...sessionStorage }));
  for (const word of FORBIDDEN) if (word.test(html)) say(`${name}: the page holds ${word}`);
  const sizes = await page.evaluate(() => [...document.images].map((i) => `${i.naturalWidth}x${i.naturalHeight}`));
  if (new Set(sizes).size !== 1) say(`${name}: pictures of the sizes ${sizes}`);
}

async function checkAccess(page, what) {
  await checkRules(page, axe, (violation) => say(`${what}: ${violation}`));
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) say(`${what}: content is ${over} pixels wider than the screen`);
}

// ---- a reviewer's page -------------------------------------------------------------------------------------

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const DESK = { viewport: { width: 1280, height: 900 } };

class Reviewer {
  constructor(who, name, options) {
    Object.assign(this, { who, name, options, network: new Network(name), expectTrouble: false });
  }
  async open() {
    this.context ??= await browser.newContext({ deviceScaleFactor: 1, ...this.options });
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(20000);
    this.network.watch(this.page);
    this.page.on('pageerror', (error) => say(`${this.name}: exception: ${error.message}`));
    this.page.on('console', (message) => {
      if (message.type() === 'error' && !this.expectTrouble) say(`${this.name}: console: ${message.text()}`);
    });
    await this.page.goto(linkOf(this.who));
    await this.shown('');
    if (this.page.url().includes(tokens[this.who])) say(`${this.name}: the secret stays in the address`);
  }
  // Waits for another screen than `before` to be seen; gives its name, or '' at the end.
  async shown(before) {
    const handle = await this.page.waitForFunction(
      (old) => {
        if (!document.getElementById('finished').hidden) return { screen: '' };
        const screen = document.body.dataset.ready;
        return screen && screen !== old && { screen };
      },
      before,
    );
    this.screen = (await handle.jsonValue()).screen;
    return this.screen;
  }
  async open_(id) {
    return (await this.page.locator(`#${id}[open]`).count()) > 0;
  }
  async picture(what) {
    await this.page.screenshot({ path: `${pictures}/review-${this.name}-${what}.png` });
  }
  // The page ignores what comes in the first quarter of a second of a pair.
  async look() {
    await this.page.waitForTimeout(280);
  }
  given(answer) {
    given.push({ ...truth[this.screen], screen: this.screen, answer });
  }
  close() {
    return this.context.close();
  }
}

// ---- 1: keyboard alone, killed in the middle -----------------------------------------------------------------

async function atTheKeyboard() {
  const r = new Reviewer(0, 'keyboard', DESK);
  await r.open();
  const { page } = r;
  const press = (key) => page.keyboard.press(key);
  const classes = () => page.locator('#stage').getAttribute('class');
  const has = async (name, expected) => {
    if ((await classes()).split(' ').includes(name) !== expected) say(`keyboard: '${name}' is not ${expected}`);
  };
  if (!(await r.open_('help-box'))) say('keyboard: no help before the first pair');
  await checkAccess(page, 'help');
  await r.picture('help');
  await press('Enter');
  if (await r.open_('help-box')) say('keyboard: Enter does not close the help');

  let rests = 0, undone = 0;
  for (let n = 0; r.screen !== ''; n++) {
    if (await r.open_('rest-box')) {
      rests++;
      await checkAccess(page, 'rest');
      await r.picture('rest');
      await press('3'); // no answer: the reminder is in front
      await press('Enter');
    }
    await checkDom(page, `keyboard, pair ${n}`);
    await r.look();
    if (n === 24)
      await page.evaluate(() => {
        const now = Date.now;
        Date.now = () => now() + 16 * 60000; // a quarter of an hour later
      });
    if (n === 0) {
      await checkAccess(page, 'pair');
      await r.picture('pair');
      await press('o');
      await page.waitForFunction(() => document.getElementById('left').naturalWidth === 640);
      await has('original', true);
      await checkDom(page, 'keyboard, originals');
      await r.picture('original');
      await press('o');
      await page.keyboard.down(' ');
      await has('together', true);
      await page.keyboard.up(' ');
      await has('together', false);
      await press('w');
      await has('wiping', true);
      const before = await page.locator('#wipe-at').inputValue();
      await press('ArrowLeft');
      if ((await page.locator('#wipe-at').inputValue()) === before) say('keyboard: the arrows do not wipe');
      await checkAccess(page, 'wipe');
      await r.picture('wipe');
      await press('f');
      await has('wiping', false);
      await press('f');
      await press('g');
      await has('grey', true);
      await press('g');
      await press('?');
      await press('Escape');
      if (await r.open_('help-box')) say('keyboard: Escape does not close the help');
      await r.look();
    }
    if (n === 2) {
      await press('t');
      await page.keyboard.type('1 2 3 nose, x');
      await checkAccess(page, 'note');
      await r.picture('note');
      await press('Escape');
    }
    if (n === 4) {
      // Tab reaches the answers, and Space presses what it reached.
      await page.locator('[data-answer="0"]').focus();
      await press('Shift+Tab');
      await press('Tab');
    }
    const answer = knownAnswer(r.screen);
    const old = r.screen;
    if (n === 6 || n === 13) {
      // A wrong answer is taken back; once only, and nothing is counted twice.
      await press(answer === '3' ? '1' : '7');
      await r.shown(old);
      await r.look();
      await press(n === 6 ? 'u' : 'Backspace');
      await r.shown(r.screen);
      if (r.screen !== old) say('keyboard: undo does not lead back to the pair');
      if (await page.locator('#undo').isEnabled()) say('keyboard: undo is offered twice');
      undone++;
      await r.look();
    }
    if (n === 9 || n === 20) {
      // The server dies, the answer is given all the same, and is stored when there is a server again.
      r.expectTrouble = true;
      await endServer('SIGKILL');
      await press(KEYS[answer] ?? String(Number(answer) + 4));
      await page.locator('#trouble').waitFor({ state: 'visible' });
      await press('4');
      if (n === 9) await r.picture('trouble');
      if (n === 9) await checkAccess(page, 'no server');
      await startServer();
      r.given(answer);
      await r.shown(old);
      if (await page.locator('#trouble').isVisible()) say('keyboard: the trouble is over and still shown');
      r.expectTrouble = false;
      continue;
    }
    r.given(answer);
    await press(KEYS[answer] ?? String(Number(answer) + 4));
    await r.shown(old);
  }
  if (rests !== 1) say(`keyboard: reminded of a rest ${rests} times`);
  if (undone !== 2) say(`keyboard: took back ${undone} answers`);
  await checkAccess(page, 'finished');
  await r.picture('finished');
  await r.network.check();
  await r.close();
}

// ---- 2: a phone ----------------------------------------------------------------------------------------------

async function onThePhone() {
  const r = new Reviewer(1, 'phone', { ...PHONE, colorScheme: 'dark' });
  await r.open();
  const { page } = r;
  await r.picture('help');
  await page.locator('#help-box button').tap();
  for (let n = 0; r.screen !== ''; n++) {
    if (await r.open_('rest-box')) {
      await r.picture('rest');
      await page.locator('#rest-box button').tap();
    }
    await r.look();
    if (n === 0) {
      await checkAccess(page, 'phone');
      await r.picture('pair');
      const boxes = await page.locator('main button, header button').evaluateAll((buttons) =>
        buttons.filter((b) => b.offsetParent).map((b) => [b.textContent.trim(), b.offsetWidth, b.offsetHeight]),
      );
      for (const [text, width, height] of boxes)
        if (width < 44 || height < 44) say(`phone: '${text}' is ${width} x ${height}`);
      await page.locator('[data-view=wipe]').tap();
      const stage = await page.locator('#left').boundingBox();
      await page.touchscreen.tap(stage.x + stage.width * 0.25, stage.y + stage.height / 2);
      const at = Number(await page.locator('#wipe-at').inputValue());
      if (Math.abs(at - 25) > 2) say(`phone: a finger at 25 wipes to ${at}`);
      await checkAccess(page, 'phone, wipe');
      await r.picture('wipe');
      await page.locator('[data-view=original]').tap();
      await page.waitForFunction(() => document.getElementById('left').naturalWidth === 640);
      await page.locator('[data-view=wipe]').tap();
      await r.picture('original');
      await page.locator('[data-view=original]').tap();
    }
    if (n === 3) {
      await page.locator('#note-open').tap();
      await page.locator('#note').fill('both with a scar');
    }
    const answer = knownAnswer(r.screen);
    const old = r.screen;
    if (n === 5) {
      await page.locator('[data-answer="0"]').tap();
      await r.shown(old);
      await page.locator('#undo').tap();
      await r.shown(r.screen);
      await r.look();
    }
    r.given(answer);
    await page.locator(`[data-answer="${answer}"]`).tap();
    await r.shown(old);
  }
  await r.picture('finished');
  await r.network.check();
  await r.close();
}

// ---- 3: a mouse, reloading and coming back -------------------------------------------------------------------

async function withTheMouse() {
  const r = new Reviewer(2, 'mouse', { ...DESK, colorScheme: 'dark' });
  await r.open();
  await r.page.locator('#help-box button').click();
  for (let n = 0; r.screen !== ''; n++) {
    const old = r.screen;
    if (n === 7) {
      await r.page.reload(); // the secret is not in the address any more
      await r.shown('');
      if (r.screen !== old) say('mouse: another pair after reloading');
    }
    if (n === 11) {
      await r.page.close();
      await r.open();
      if (r.screen !== old) say('mouse: another pair after coming back');
    }
    const { page } = r;
    if (await r.open_('rest-box')) await page.locator('#rest-box button').click();
    await r.look();
    if (n === 1) {
      await r.picture('pair');
      await checkAccess(page, 'dark');
      await page.locator('[data-view=original]').click();
      await page.waitForFunction(() => document.getElementById('left').naturalWidth === 640);
      await r.picture('original');
      await page.keyboard.down(' '); // the button that was clicked does not take it
      if (!(await page.locator('#stage').getAttribute('class')).includes('together')) say('mouse: Space does not flicker');
      await page.keyboard.up(' ');
      await page.locator('[data-view=wipe]').click();
      await page.mouse.move(640, 400);
      await page.mouse.down();
      await page.mouse.move(700, 400);
      await page.mouse.up();
      if (Number(await page.locator('#wipe-at').inputValue()) < 55) say('mouse: dragging does not wipe');
    }
    const answer = knownAnswer(r.screen);
    r.given(answer);
    await page.locator(`[data-answer="${answer}"]`).dblclick(); // the second click does not answer the next pair
    await r.shown(old);
  }
  await r.network.check();
  await r.close();
}

// ---- 4: the adjudicator, and strangers -----------------------------------------------------------------------

async function adjudicator(options, name, closes) {
  const context = await browser.newContext({ deviceScaleFactor: 1, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on('console', (message) => message.type() === 'error' && say(`${name}: console: ${message.text()}`));
  page.on('pageerror', (error) => say(`${name}: exception: ${error.message}`));
  await page.goto(linkOf(tokens.length - 1));
  const picture = (what) => page.screenshot({ path: `${pictures}/review-${name}-${what}.png`, fullPage: true });
  if (closes) {
    await page.locator('#close').waitFor();
    await picture('complete');
    await page.locator('#close').click();
  }
  await page.locator('#case').waitFor();
  await page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth > 0));
  await checkAccess(page, name);
  await picture('case');
  return { context, page, picture };
}

async function beforeTheEnd() {
  const context = await browser.newContext(DESK);
  const page = await context.newPage();
  const bodies = [];
  page.on('response', async (response) => {
    if (response.url().includes('/api/')) bodies.push(await response.text());
  });
  await page.goto(linkOf(tokens.length - 1));
  await page.locator('#waiting').waitFor();
  await page.waitForTimeout(200);
  await page.screenshot({ path: `${pictures}/review-adjudicator-waiting.png` });
  await checkAccess(page, 'adjudicator, waiting');
  if (await page.locator('#close').isVisible()) say('adjudicator: cases can be opened before all answers are in');
  if (bodies.some((body) => !/"cases":\s*null/.test(body))) say('adjudicator: cases are sent before all answers are in');
  await context.close();
}

async function strangers() {
  for (const [path, what] of [[`#${'0'.repeat(32)}`, 'wrong secret'], ['', 'no secret'], ['adjudicate#' + tokens[0], 'reviewer as adjudicator']]) {
    const context = await browser.newContext(DESK);
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/${path}`);
    await page.locator('#refused').waitFor();
    await checkAccess(page, what);
    await page.screenshot({ path: `${pictures}/review-${what.replaceAll(' ', '-')}.png` });
    await context.close();
  }
  // A page of another origin cannot ask this server, not even for a picture or a script.
  const context = await browser.newContext(DESK);
  const page = await context.newPage();
  await page.route('http://stranger.example/**', (route) => route.fulfill({ contentType: 'text/html', body: '<h1>stranger</h1>' }));
  await page.goto('http://stranger.example/');
  const got = await page.evaluate(
    async ([base, token]) => {
      const tries = {
        read: () => fetch(`${base}/api/screen`, { headers: { Authorization: `Bearer ${token}` } }),
        write: () => fetch(`${base}/api/answer`, { method: 'POST', mode: 'no-cors', body: '{}' }).then((r) => r.type !== 'opaque' && r),
        picture: () => new Promise((yes, no) => Object.assign(new Image(), { onload: yes, onerror: no, src: `${base}/icon.svg` })),
        frame: () =>
          new Promise((yes, no) => {
            const frame = document.createElement('iframe');
            frame.onload = () => (frame.contentDocument === null ? no() : yes());
            frame.src = `${base}/`;
            document.body.append(frame);
          }),
      };
      const through = [];
      for (const [name, attempt] of Object.entries(tries)) if (await attempt().catch(() => false)) through.push(name);
      return through;
    },
    [`http://127.0.0.1:${port}`, tokens[0]],
  );
  if (got.length > 0) say(`a page of another origin can ${got}`);
  await context.close();
}

await startServer();
await beforeTheEnd();
await strangers();
await atTheKeyboard();
await Promise.all([onThePhone(), withTheMouse()]);
const desk = await adjudicator(DESK, 'adjudicator', true);
await desk.page.locator('#case-title').waitFor();
await desk.page.keyboard.press('j');
await desk.page.keyboard.press('t');
await desk.page.keyboard.type('the same scar');
await desk.page.keyboard.press('Escape');
await desk.page.keyboard.press('s');
await desk.page.locator('[data-decision=same][aria-pressed=true]').waitFor();
await desk.page.keyboard.press('k');
await desk.page.keyboard.press('d');
await desk.page.locator('[data-decision=different][aria-pressed=true]').waitFor();
await desk.page.keyboard.press('j');
if ((await desk.page.locator('#note').inputValue()) !== 'the same scar') say('adjudicator: the note is gone');
await desk.page.locator('#filter').selectOption('open');
if (!(await desk.page.locator('#case-title').textContent()).endsWith('of 24')) say('adjudicator: decided cases are open');
await desk.context.close();
const phone = await adjudicator({ ...PHONE, colorScheme: 'dark' }, 'adjudicator-phone', false);
await phone.context.close();
const code = await endServer('SIGINT');
if (code !== 0) say(`the server ended with ${code}`);
await browser.close();
writeFileSync(answersFile, JSON.stringify(given));
console.log(`review: ${given.length} answers of 3 reviewers, ${problems.length} problems, pictures in ${pictures}`);
process.exit(problems.length > 0 ? 1 : 0);
