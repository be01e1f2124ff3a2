// Figures: they are printed; bounds stand here only where they hold on slow machines too. FIELDWARD_PAGE_MEASURE=1
// measures longer, for BENCHMARKS.md.
import { go, holds, settled } from './stage.mjs';

const isLong = process.env.FIELDWARD_PAGE_MEASURE === '1';
const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** From a cold start to the rows of the queue, and what was fetched for it. */
export async function first_view(stage) {
  const page = await stage.signedIn('viewer');
  const times = [];
  let fetched = 0;
  for (let nth = 0; nth < (isLong ? 9 : 3); nth++) {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Network.clearBrowserCache');
    fetched = 0;
    const count = async (response) => {
      if (!/\.(js|css)$/.test(new URL(response.url()).pathname)) return;
      fetched += (await response.request().sizes().catch(() => ({ responseBodySize: 0 }))).responseBodySize;
    };
    page.on('response', count);
    await page.goto(`${stage.at}/alerts`);
    await page.locator('.rows .arow').first().waitFor();
    times.push(await page.evaluate(() => performance.now()));
    page.off('response', count);
  }
  console.log(`        first view, cold: rows after ${Math.round(middle(times))} ms; ${fetched} bytes of script and style`);
  holds(fetched > 0 && fetched < 250_000, `the first view fetched ${fetched} bytes of script and style`);
}

/** From the commit to the screen, by the aggregator's own stamp on the same machine's clock. */
export async function commit_to_screen(stage) {
  const page = await stage.signedIn('analyst');
  await go(page, stage.at, '/alerts?facility=live-plant');
  await settled(page);
  await page.locator('.lamp.live').waitFor();
  await page.evaluate(() => {
    window.seen = new Map();
    // A row that is on the screen may be used again for another alert: then its words change alone.
    new MutationObserver(() => {
      const at = Date.now();
      for (const one of document.querySelectorAll('.rows .c-title a')) {
        const id = one.getAttribute('href').split('/').at(-1);
        if (!window.seen.has(id)) requestAnimationFrame(() => window.seen.has(id) || window.seen.set(id, Date.now()));
      }
      void at;
    }).observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
  });
  const delays = [];
  for (let nth = 0; nth < (isLong ? 60 : 5); nth++) {
    const title = `timed-${nth}-${Math.random().toString(36).slice(2, 8)}`;
    await stage.raise(1, title);
    await page.locator('.rows .c-title', { hasText: title }).first().waitFor();
    const id = (await page.locator('.rows .c-title a', { hasText: title }).first().getAttribute('href')).split('/').at(-1);
    await page.waitForFunction((one) => window.seen.has(one), id);
    delays.push(
      await page.evaluate(async (one) => {
        const token = (await (await fetch('/api/auth/refresh', { method: 'POST' })).json()).access_token;
        const alert = await (await fetch(`/api/alerts/${one}`, { headers: { authorization: `Bearer ${token}` } })).json();
        return window.seen.get(one) - Date.parse(alert.received_at);
      }, id),
    );
  }
  delays.sort((a, b) => a - b);
  console.log(`        from the commit to the screen: ${middle(delays)} ms in the middle, ${delays.at(-1)} ms at most, of ${delays.length}`);
  holds(middle(delays) < 2000, `it took ${middle(delays)} ms`);
}

/** Scrolling through all that there are: how long frames take. */
export async function scrolling(stage) {
  const page = await stage.signedIn('viewer');
  await go(page, stage.at, '/alerts?facility=plant-7');
  await page.locator('.rows .arow').first().waitFor();
  const total = Number(process.env.FIELDWARD_PAGE_ALERTS ?? 5000);
  // All of them are fetched first, by going to the end again and again.
  const held = await page.evaluate(async (wanted) => {
    const table = document.querySelector('.table');
    const rows = () => document.querySelector('.rows').getBoundingClientRect().height / document.querySelector('.rows .arow').getBoundingClientRect().height;
    const until = performance.now() + 240_000;
    while (rows() < wanted - 1 && performance.now() < until) {
      table.scrollTop = table.scrollHeight;
      await new Promise((done) => setTimeout(done, 30));
    }
    return Math.round(rows());
  }, total);
  holds(held >= total, `of ${total} rows ${held} came`);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const before = await spent(cdp);
  const frames = await page.evaluate(async (seconds) => {
    const table = document.querySelector('.table');
    table.scrollTop = 0;
    const took = [];
    const end = table.scrollHeight - table.clientHeight;
    const begun = performance.now();
    let last = begun;
    await new Promise((done) => {
      const frame = (at) => {
        took.push(at - last);
        last = at;
        table.scrollTop = Math.min(end, ((at - begun) / (seconds * 1000)) * end);
        if (at - begun < seconds * 1000) requestAnimationFrame(frame);
        else done();
      };
      requestAnimationFrame(frame);
    });
    return took.slice(5);
  }, isLong ? 20 : 4);
  frames.sort((a, b) => a - b);
  const at = (share) => frames[Math.floor(frames.length * share)].toFixed(1);
  const rate = (1000 * frames.length) / frames.reduce((sum, one) => sum + one, 0);
  console.log(`        scrolling ${held} alerts: ${rate.toFixed(1)} frames a second; frames of ${at(0.5)} ms in the middle, ${at(0.99)} ms for 99 of 100, ${frames.at(-1).toFixed(1)} ms at most`);
  const after = await spent(cdp);
  const each = (name) => `${((1000 * (after[name] - before[name])) / frames.length).toFixed(1)} ms`;
  const rest = (1000 * ['TaskDuration', 'ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration'].reduce((left, name, nth) => left + (nth ? -1 : 1) * (after[name] - before[name]), 0)) / frames.length;
  console.log(`        of a frame, in the page's own thread: script ${each('ScriptDuration')}, styles ${each('RecalcStyleDuration')}, layout ${each('LayoutDuration')}, painting and the rest ${rest.toFixed(1)} ms`);
  holds(frames.length > 20, 'nothing was drawn');
}

/** Seconds that the page's thread has spent so far, by what for. */
async function spent(cdp) {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map((one) => [one.name, one.value]));
}
