// SPDX-License-Identifier: Apache-2.0
// chromium.mjs - what the browser tests share: a headless Chromium, pages that are watched, and axe-core.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// `modules` is a node_modules folder with playwright-core and axe-core.
export async function start(modules) {
  const { chromium } = createRequire(import.meta.url)(resolve(modules, 'playwright-core'));
  const axe = readFileSync(join(modules, 'axe-core', 'axe.min.js'), 'utf8');
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return { browser, axe };
}

export const address = (path, view = '') => pathToFileURL(resolve(path)).href + view;

// A page of its own context. Complains of an error in the console, an exception, a script out of the data that ran,
// and any request but the page itself and its data: pictures.
export async function watch(browser, url, options, say) {
  const context = await browser.newContext({ deviceScaleFactor: 1, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60000); // for busy machines
  page.on('console', (message) => {
    if (message.type() === 'error') say(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => say(`exception: ${error.message}`));
  page.on('dialog', (dialog) => {
    say(`a script of the data ran: ${dialog.message()}`);
    dialog.dismiss();
  });
  const own = url.split('#')[0];
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== own && !request.url().startsWith('data:'))
      say(`request to ${request.url()}`);
  });
  await page.goto(url, { waitUntil: 'commit' });
  return { context, page };
}

// Violations of axe-core's rules (WCAG 2 A and AA, best practices, size of targets).
export async function checkAccess(page, axe, say) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const found = await axe.run(document, {
      rules: { 'target-size': { enabled: true } },
      resultTypes: ['violations'],
    });
    return found.violations.map(
      (v) => `${v.id}: ${v.help}, ${v.nodes.length} times: ${v.nodes[0].html.slice(0, 150)}`,
    );
  });
  for (const violation of violations) say(`axe: ${violation}`);
}
