// SPDX-License-Identifier: Apache-2.0
// page.mjs - opens report pages in headless Chromium: takes pictures and fails when a page does not work.
//
//   node page.mjs NODE_MODULES PICTURES PAGE.html... [--without-charts PAGE.html...]
//
// Each page is opened at phone and desktop width, light and dark, and once with JavaScript off. It fails on an error
// in the console, an exception, any request but the page itself and its data: pictures, a chart that is not drawn,
// a picture that is not decoded, a chart that is not saved as CSV (without JavaScript, too), SVG and PNG, content wider than the screen, a script out of the data that ran, or a violation of
// axe-core's rules.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { address, checkAccess, start, watch } from './chromium.mjs';

const [modules, pictures, ...rest] = process.argv.slice(2);
const split = rest.includes('--without-charts') ? rest.indexOf('--without-charts') : rest.length;
const plain = rest.slice(split + 1); // pages of tables alone
const pages = [...rest.slice(0, split), ...plain];
const { browser, axe } = await start(modules);
const problems = [];
const views = [
  [390, 'light'],
  [390, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
];

async function inspect(page, say, drawn) {
  await page.waitForLoadState();
  if (drawn)
    await page
      .locator('html[data-drawn="all"]')
      .waitFor({ state: 'attached', timeout: 60000 })
      .catch(() => say('the charts are not all drawn after 60 s'));
  const charts = page.locator('[data-chart]');
  for (let i = 0; i < (await charts.count()); i++) {
    const name = await charts.nth(i).getAttribute('data-chart');
    const marks = charts.nth(i).locator('svg .mark-rect path, svg .mark-line path, svg .mark-symbol path');
    await marks
      .first()
      .waitFor({ state: 'attached', timeout: 8000 })
      .catch(() => say(`chart '${name}' has no mark`));
    const box = await charts
      .nth(i)
      .locator('svg')
      .boundingBox()
      .catch(() => null);
    if (!box || box.width < 200 || box.height < 90)
      say(`chart '${name}' is ${box ? `${box.width} x ${box.height}` : 'missing'}`);
  }
  // Pictures are decoded when they come into view: go through the page once.
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let y = 0; y < height; y += 600) {
    await page.evaluate((top) => window.scrollTo({ top, behavior: 'instant' }), y);
    await page.waitForTimeout(20);
  }
  await page.evaluate(() => window.scrollTo({ top: 0, behavior: 'instant' }));
  const bad = await page.evaluate(async () => {
    const images = [...document.images];
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
    return images.filter((image) => !image.complete || image.naturalWidth === 0).length;
  });
  if (bad > 0) say(`${bad} pictures are not decoded`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) say(`content is ${over} pixels wider than the screen`);
}

// What a link or button of a chart saves, whose bytes must begin as they should.
async function saved(page, control, beginning, say) {
  const label = await control.getAttribute('aria-label');
  try {
    const waiting = page.waitForEvent('download');
    await control.click();
    const download = await waiting;
    const bytes = readFileSync(await download.path());
    if (!beginning.test(bytes.toString('latin1')))
      say(`'${label}' of ${download.suggestedFilename()} begins with ${bytes.subarray(0, 30)}`);
    return bytes;
  } catch (error) {
    say(`'${label}': ${error.message}`);
  }
}

async function saveAll(page, name, say) {
  const rows = page.locator('.save');
  for (let i = 0; i < (await rows.count()); i++) {
    const buttons = rows.nth(i).locator('button');
    if ((await buttons.count()) !== 2) say(`chart ${i} has ${await buttons.count()} buttons`);
    const svg = await saved(page, buttons.nth(0), /^<svg /, say);
    if (svg && svg.includes('var(--')) say(`the SVG of chart ${i} has colours of the page`);
    const png = await saved(page, buttons.nth(1), /^\x89PNG/, say);
    if (png) writeFileSync(`${pictures}/${name}-chart-${i}.png`, png);
  }
}

for (const path of pages) {
  const name = basename(path, '.html');
  for (const [width, colorScheme] of views) {
    const say = (problem) => problems.push(`${name} at ${width} px, ${colorScheme}: ${problem}`);
    const options = { viewport: { width, height: 900 }, colorScheme };
    const { context, page } = await watch(browser, address(path), options, say);
    await inspect(page, say, !plain.includes(path));
    await checkAccess(page, axe, say);
    await page.screenshot({ path: `${pictures}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    if (width > 1000 && colorScheme === 'light') await saveAll(page, name, say);
    await context.close();
  }
  const say = (problem) => problems.push(`${name} without JavaScript: ${problem}`);
  const options = { viewport: { width: 1280, height: 900 }, javaScriptEnabled: false };
  const { context, page } = await watch(browser, address(path), options, say);
  await page.waitForLoadState();
  if ((await page.locator('noscript').count()) === 0 && (await page.locator('[data-chart]').count()) > 0)
    say('no word about the charts');
  const charts = await page.locator('[data-chart]').count();
  if (plain.includes(path) ? charts > 0 : charts < 2) say(`${charts} charts`);
  for (let i = 0; i < charts; i++) await saved(page, page.locator('.save a').nth(i), /^[a-z_0-9]+(,[a-z_0-9]+)+\n/, say);
  await context.close();
}
await browser.close();
for (const problem of problems) console.log(`not ok - ${problem}`);
console.log(`${pages.length} pages, ${problems.length} problems, pictures in ${pictures}`);
process.exit(problems.length > 0 ? 1 : 0);
