// The server away, the session ended, faults, a burst, names full of HTML, a clock that is wrong.
import { accessible, go, holds, settled, shot, signIn } from './stage.mjs';

const rows = (page) => page.locator('.rows .arow');

/** The line is cut while somebody reads: it is said, what is seen stays, nothing is lost, nothing is told twice. */
export async function server_away(stage) {
  const page = await stage.signedIn('analyst');
  await go(page, stage.at, '/alerts');
  await rows(page).first().waitFor();
  await page.locator('.lamp.live').waitFor();
  await stage.raise(1, 'before');
  await rows(page).first().getByText('before').waitFor();
  stage.line.cut();
  await page.locator('.lamp.away').waitFor();
  await page.getByText('Not live since').waitFor();
  holds((await rows(page).count()) > 5, 'what was seen is gone');
  await accessible(page, 'while the aggregator is away');
  await shot(page, 'away');
  await stage.raise(40, 'meanwhile');
  stage.line.mend();
  await page.locator('.lamp.live').waitFor({ timeout: 20_000 });
  await page.getByText('Caught up').waitFor();
  await rows(page).first().getByText('meanwhile').waitFor();
  const titles = await page.locator('.rows .c-title', { hasText: 'meanwhile' }).allInnerTexts();
  holds(new Set(titles).size === titles.length, 'an alert is shown twice');
  await page.locator('.table').evaluate((table) => table.scrollTo({ top: 0 }));
  const told = await page.evaluate(async () => {
    const seen = new Set();
    const table = document.querySelector('.table');
    for (let top = 0; top < 3000; top += 300) {
      table.scrollTop = top;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      for (const one of document.querySelectorAll('.rows .c-title')) if (one.textContent.startsWith('meanwhile')) seen.add(one.textContent);
    }
    return seen.size;
  });
  holds(told === 40, `of 40 alerts ${told} were caught up with`);
  // A page that is opened while nobody answers says so, and goes on by itself.
  const other = await stage.visitor();
  await other.goto(stage.at);
  await other.route(/\/api\/auth\/refresh/, (route) => route.abort());
  await other.reload();
  await other.getByText('does not answer').waitFor();
  await other.unroute(/\/api\/auth\/refresh/);
  await other.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: 20_000 });
}

/** The session ends under somebody who types: he signs in over it, and his words are there. */
export async function session_ends(stage) {
  const page = await stage.signedIn('analyst');
  await go(page, stage.at, '/alerts?facility=plant-0&severity=high');
  await rows(page).first().waitFor();
  await rows(page).first().getByRole('checkbox').check();
  await page.keyboard.press('f');
  const words = 'a long reason that nobody wants to type again';
  await page.getByLabel('Why').fill(words);
  await page.context().clearCookies();
  await page.route(/\/api\/(alerts|facilities)/, (route) => {
    const { authorization, ...headers } = route.request().headers();
    return route.fallback({ headers: { ...headers, authorization: `${authorization}x` } });
  });
  await page.getByRole('dialog').getByRole('button', { name: 'False positive' }).click();
  const ended = page.getByRole('dialog', { name: 'Your session has ended' });
  await ended.waitFor();
  await accessible(page, 'a session that has ended');
  await shot(page, 'session-ended');
  await page.unroute(/\/api\/(alerts|facilities)/);
  await ended.getByLabel('Password').fill('a password of analyst');
  await ended.getByRole('button', { name: 'Sign in', exact: true }).click();
  await ended.waitFor({ state: 'detached' });
  holds((await page.getByLabel('Why').inputValue()) === words, 'what was typed is gone');
  await page.getByRole('dialog').getByRole('button', { name: 'False positive' }).click();
  await page.locator('.toast', { hasText: 'dismissed' }).waitFor();
}

/** An access token that is refused is renewed by the cookie, and nobody notices. */
export async function token_expires(stage) {
  const page = await stage.signedIn('viewer');
  let refused = 0;
  await page.route(/\/api\/alerts\?/, (route) => {
    if (refused++ > 0) return route.fallback();
    const { authorization: _, ...headers } = route.request().headers();
    return route.fallback({ headers: { ...headers, authorization: 'Bearer x.y.z' } });
  });
  await go(page, stage.at, '/alerts');
  await rows(page).first().waitFor();
  holds(refused > 1, 'it was not asked again');
  holds((await page.getByRole('dialog').count()) === 0, 'he was asked to sign in');
}

/** Faults while somebody works: the last good data stays, greyed; an act that failed is taken back and said. */
export async function faults(stage) {
  const page = await stage.signedIn('analyst');
  await go(page, stage.at, '/alerts?facility=plant-0&severity=critical');
  await rows(page).first().waitFor();
  const fail = (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ title: 'x', status: 500, detail: 'the disk is on fire', code: 'internal', request_id: 'req-1' }) });
  await page.route(/\/api\/alerts\/bulk/, fail);
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  await page.locator('.toast.bad', { hasText: 'the disk is on fire' }).waitFor();
  holds((await rows(page).first().locator('.status').innerText()) === 'New', 'what failed was not taken back');
  await page.keyboard.press('x');
  await page.keyboard.press('f');
  await page.getByLabel('Why').fill('kept words');
  await page.getByRole('dialog').getByRole('button', { name: 'False positive' }).click();
  await page.locator('.toast.bad').nth(1).waitFor();
  holds((await page.getByLabel('Why').inputValue()) === 'kept words', 'words are lost after a fault');
  await page.keyboard.press('Escape');
  await go(page, stage.at, '/facilities');
  await page.locator('.plant').first().waitFor();
  await page.route(/\/api\/facilities/, fail);
  await page.locator('.greyed').waitFor({ timeout: 30_000 });
  holds((await page.locator('.plant').count()) > 0, 'the last good data is gone');
  await page.getByText('the disk is on fire').first().waitFor();
  await page.unroute(/\/api\/facilities/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.greyed').waitFor({ state: 'detached' });
}

/** 10,000 alerts in one go, while the queue is open and while somebody reads in it. */
export async function burst(stage) {
  const page = await stage.signedIn('analyst');
  await go(page, stage.at, '/alerts');
  await page.locator('.lamp.live').waitFor();
  await rows(page).first().waitFor();
  // The longest time that the page did not answer, as whoever types would feel it.
  await page.evaluate(() => {
    window.longest = 0;
    let last = performance.now();
    setInterval(() => {
      const at = performance.now();
      window.longest = Math.max(window.longest, at - last - 20);
      last = at;
    }, 20);
  });
  await stage.raise(10_000, 'burst');
  await rows(page).first().getByText('burst').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('.table').evaluate((table) => (table.scrollTop = 4000));
  await page.getByRole('button', { name: 'Critical' }).click();
  await page.waitForURL(/severity=critical/);
  await rows(page).first().waitFor();
  const longest = await page.evaluate(() => window.longest);
  console.log(`        longest that the page did not answer during 10,000 alerts: ${Math.round(longest)} ms`);
  const held = await rows(page).count();
  holds(held < 200, `${held} rows are drawn`);
}

/** Names, titles and reasons of attackers are text. */
export async function names_full_of_html(stage) {
  const page = await stage.signedIn('analyst');
  const evil = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>"'&lt;{{7*7}}\${1}javascript:alert(1)`;
  await stage.raise(2, evil);
  await go(page, stage.at, '/alerts?facility=live-plant');
  await page.locator('.rows .c-title', { hasText: '<img src=x' }).first().waitFor();
  await page.locator('.rows .c-title a', { hasText: '<img src=x' }).first().click();
  await page.locator('.alert-title', { hasText: '<script>' }).waitFor();
  await page.getByRole('tab', { name: 'Evidence' }).click();
  await page.locator('pre.record', { hasText: 'onerror' }).waitFor();
  for (const path of ['/', '/incidents?facility=live-plant', '/facilities/live-plant', '/attack', '/traffic']) {
    await go(page, stage.at, path);
    await settled(page);
  }
  await go(page, stage.at, `/alerts?search=${encodeURIComponent(evil.slice(0, 60))}&tab=all`);
  await rows(page).first().waitFor();
  holds((await page.evaluate(() => window.pwned)) === undefined, 'a name was executed');
  holds((await page.locator('main img').count()) === 0, 'a name became a picture');
}

/** A browser that is a day ahead: ages go by the aggregator's clock, the session lives, and it is said. */
export async function clock_is_wrong(stage) {
  const page = await stage.visitor();
  await page.clock.install({ time: new Date(Date.now() + 26 * 36e5) });
  await page.goto(stage.at);
  await signIn(page, 'analyst');
  await page.getByText('clock is 1 d 2 h ahead').waitFor();
  await stage.raise(1, 'critical in time');
  await go(page, stage.at, '/alerts?facility=live-plant');
  await rows(page).first().locator('.c-title a').click();
  await page.locator('.alert-head time').first().waitFor();
  const age = await page.locator('.alert-head time').first().innerText();
  holds(/now|s ago/.test(age), `a fresh alert is called ${age} old`);
  await accessible(page, 'with a wrong clock');
  await page.getByRole('button', { name: 'Understood' }).click();
  await page.getByText('clock is 1 d').waitFor({ state: 'detached' });
}
