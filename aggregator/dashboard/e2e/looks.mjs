// Every page in both themes: with data, while it loads, with nothing, and when the aggregator fails.
import { accessible, go, holds, settled, shot, themed } from './stage.mjs';

const PAGES = ['/', '/alerts', '/alerts?tab=all&severity=critical', '/incidents', '/facilities', '/facilities/plant-0', '/learning', '/attack', '/attack?view=graph', '/attack?view=predictions', '/traffic', '/models', '/compliance', '/settings', '/settings?tab=users', '/settings?tab=keys', '/settings?tab=training', '/settings?tab=audit', '/settings?tab=data', '/settings?tab=demo', '/nowhere'];
const name = (path) => path.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'overview';

async function walk(stage, what, prepare, check = async () => undefined) {
  const page = await stage.signedIn('admin');
  await settled(page);
  await prepare(page);
  const wrong = [];
  const note = (error) => wrong.push(error.message);
  for (const path of PAGES) {
    await page.goto(`${stage.at}${path}`);
    await page.locator('main').waitFor();
    if (what !== 'loading') await settled(page).catch(() => undefined);
    await page.waitForTimeout(what === 'loading' ? 450 : 150);
    for (const colorScheme of ['light', 'dark']) {
      await themed(page, colorScheme);
      await accessible(page, `${path} ${what}, ${colorScheme}`).catch(note);
      await shot(page, `${name(path)}-${what}-${colorScheme}`);
    }
    await check(page, path).catch(note);
  }
  await page.context().close();
  holds(wrong.length === 0, wrong.join('\n'));
}

const isData = (url) => url.pathname.startsWith('/api/') && !url.pathname.startsWith('/api/auth/');

/** Lists without rows, whatever is asked. */
function emptied(value, key = '') {
  if (Array.isArray(value)) return [];
  if (value === null || typeof value !== 'object') return typeof value === 'number' && /^(total|count|by_|pages)/.test(key) ? 0 : value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, emptied(one, name)]));
}

export async function pages_with_data(stage) {
  await walk(stage, 'data', async () => undefined, async (page, path) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    holds(wide <= 0, `${path} is ${wide} px too wide`);
  });
}

export async function pages_with_nothing(stage) {
  await walk(stage, 'empty', (page) =>
    page.route(isData, async (route) => {
      if (route.request().method() !== 'GET') return route.fallback();
      const answer = await route.fetch();
      if (!answer.ok()) return route.fulfill({ response: answer });
      return route.fulfill({ response: answer, json: emptied(await answer.json()) });
    }),
  );
}

export async function pages_with_faults(stage) {
  const body = { title: 'Internal Server Error', status: 500, detail: 'a fault of the server', code: 'internal', request_id: 'b7d0c0de', errors: [] };
  await walk(
    stage,
    'error',
    (page) => page.route(isData, (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', json: body })),
    async (page, path) => {
      if (['/nowhere', '/settings'].includes(path)) return;
      await page.getByText('a fault of the server', { exact: false }).first().waitFor({ timeout: 9000 });
    },
  );
}

export async function pages_while_loading(stage) {
  await walk(stage, 'loading', (page) => page.route(isData, () => undefined));
}


/** 360 px, 4K, and the sign-in, nowhere wider than the window. */
export async function pages_in_every_size(stage) {
  for (const [width, height] of [[360, 740], [768, 1024], [3840, 2160]]) {
    const page = await stage.signedIn('admin', { viewport: { width, height }, colorScheme: 'dark' });
    for (const path of PAGES) {
      await go(page, stage.at, path).catch(() => page.locator('main').waitFor());
      await settled(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      holds(wide <= 0, `${path} is ${wide} px too wide at ${width}`);
      if (width === 360) await accessible(page, `${path} at ${width}`);
      await shot(page, `${name(path)}-${width}`);
    }
    await page.context().close();
  }
}

export async function the_sign_in(stage) {
  for (const colorScheme of ['light', 'dark']) {
    const page = await stage.visitor({ colorScheme });
    await page.goto(`${stage.at}/alerts`);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await accessible(page, `the sign-in, ${colorScheme}`);
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password').fill('not his password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    holds((await page.getByLabel('Name').inputValue()) === 'admin', 'the name that was typed is gone');
    await accessible(page, `the sign-in after a wrong password, ${colorScheme}`);
    await shot(page, `sign-in-${colorScheme}`);
    await page.context().close();
  }
}
