// What stories share: a browser, somebody who is signed in, axe, and asking for alerts.
import { readFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { proxy } from './proxy.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env.SHOTS;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export class Stage {
  static async open(at) {
    const browser = await chromium.launch({ executablePath: process.env.CHROME ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    const line = await proxy(new URL(at));
    return Object.assign(new Stage(), { browser, line, at: line.at, foreign: [], faults: [] });
  }

  async close() {
    await this.browser.close();
    await this.line.end();
  }

  /** A browser of its own. Whatever asks for something elsewhere is noted, and so is every fault of a script. */
  async visitor(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options });
    await context.route('**/*', (route) => {
      const { origin } = new URL(route.request().url());
      if (origin === this.at) return route.fallback();
      this.foreign.push(route.request().url());
      return route.abort();
    });
    const page = await context.newPage();
    page.on('pageerror', (error) => this.faults.push(`${page.url()}: ${error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) this.faults.push(message.text());
    });
    return page;
  }

  async signedIn(role = 'admin', options = {}) {
    const page = await this.visitor(options);
    await page.goto(`${this.at}/`);
    await signIn(page, role);
    return page;
  }

  /** Alerts of this moment, committed when this is done. */
  async raise(count, title) {
    process.stdout.write(`@raise ${count} ${title}\n`);
    const { value } = await answers.next();
    if (value !== 'done') throw new Error(`the aggregator says ${value}`);
  }
}

export async function signIn(page, role) {
  await page.getByLabel('Name').fill(role);
  await page.getByLabel('Password').fill(`a password of ${role}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.frame').waitFor();
}

/** Goes somewhere within the page, as a link does. */
export async function go(page, at, path) {
  await page.goto(`${at}${path}`);
  await page.locator('#content').first().waitFor();
}

export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
}

/** The theme is there when all of the page has it, which on a slow machine is some frames after it was asked for. */
export async function themed(page, colorScheme) {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.evaluate((scheme) => {
    document.documentElement.dataset.theme = scheme;
  }, colorScheme);
  await page.waitForFunction((scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches, colorScheme);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));
}

const violations = (page) =>
  page.evaluate(() => window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));

/** No violation of WCAG 2.2 AA. What is seen once may be a picture that was just changing: what stays is wrong. */
export async function accessible(page, what) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  let found = await violations(page);
  if (found.violations.length > 0) {
    await page.waitForTimeout(500);
    found = await violations(page);
  }
  if (found.violations.length > 0) {
    const said = found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
    throw new Error(`${what} is not accessible: ${said.join('; ')}`);
  }
}

export async function shot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}.png` });
}

export function holds(is, said) {
  if (!is) throw new Error(said);
}
