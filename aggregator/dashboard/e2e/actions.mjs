// What people do, page by page, each to its end.
import { readFileSync } from 'node:fs';
import { accessible, go, holds, settled, shot } from './stage.mjs';

const rows = (page) => page.locator('.rows .arow');
const toast = (page, text) => page.locator('.toast', { hasText: text }).waitFor();

async function queue(page, at, search = '') {
  await go(page, at, `/alerts${search}`);
  await rows(page).first().waitFor();
}

/** Filters live in the address; Back and a copied link bring them back; views are kept. */
export async function queue_filters_and_views(stage) {
  const page = await stage.signedIn('analyst');
  await queue(page, stage.at);
  await page.getByRole('button', { name: 'Critical' }).click();
  await page.waitForURL(/severity=critical/);
  await rows(page).first().waitFor();
  holds((await page.locator('.rows .is-high').count()) === 0, 'the filter lets others through');
  await page.getByRole('button', { name: 'Plant', exact: true }).click();
  await page.getByRole('button', { name: 'plant-1' }).click();
  await page.waitForURL(/facility=plant-1/);
  await page.getByRole('button', { name: 'Time', exact: true }).click();
  await page.getByRole('button', { name: 'Last 24 hours' }).click();
  await page.waitForURL(/range=24h/);
  await page.getByRole('searchbox').fill('10.0.0.9');
  await page.waitForURL(/search=10.0.0.9/);
  await rows(page).first().waitFor();
  const sorted = (url) => [...new URL(url).searchParams].map(String).sort().join('&');
  const { href } = new URL(page.url());
  const isSame = (url) => sorted(url) === sorted(href);
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('button', { name: 'Save this view…' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('mine <b>&');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.waitForURL((url) => !url.search.includes('severity'));
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('button', { name: 'mine <b>&', exact: true }).click();
  await page.waitForURL(isSame);
  // Somebody else, in another zone, opens the link and sees the same.
  const ids = async (one) => {
    await rows(one).first().waitFor();
    return one.locator('.rows .c-title a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  };
  const other = await stage.signedIn('viewer', { timezoneId: 'Asia/Kolkata' });
  await other.goto(href);
  holds(JSON.stringify(await ids(other)) === JSON.stringify(await ids(page)), 'the link shows something else in another zone');
  // Opening one and going back leaves all as it was.
  await rows(page).nth(2).locator('.c-title a').click();
  await page.locator('.alert-title').waitFor();
  await page.goBack();
  await page.waitForURL(isSame);
}

/** A triage with the keyboard alone: open, acknowledge, dismiss with a reason, undo. */
export async function queue_by_keyboard(stage) {
  const page = await stage.signedIn('analyst');
  await queue(page, stage.at, '?facility=plant-0&severity=low');
  const before = Number((await page.locator('.queue-head [role=status]').innerText()).replace(/\D/g, ''));
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.alert-title').waitFor();
  const title = await page.locator('.rows .arow.open .c-title').innerText();
  await page.keyboard.press('a');
  await toast(page, '1 alert acknowledged');
  await page.locator('.alert-head .status', { hasText: 'Acknowledged' }).waitFor();
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByText('2 selected').waitFor();
  await page.keyboard.press('f');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Expected maintenance' }).click();
  await accessible(page, 'the dialog that asks why');
  await shot(page, 'dialog-why');
  await dialog.getByRole('button', { name: 'False positive' }).click();
  await toast(page, '2 alerts dismissed');
  const left = () => page.locator('.queue-head [role=status]').innerText();
  holds(Number((await left()).replace(/\D/g, '')) === before - 2, `of ${before} there are ${await left()} after two were closed`);
  await page.keyboard.press('u');
  await toast(page, 'Undone: 2 alerts');
  await page.keyboard.press('Escape');
  await go(page, stage.at, '/alerts?facility=plant-0&severity=low');
  await rows(page).first().waitFor();
  holds(Number((await left()).replace(/\D/g, '')) === before, 'what was undone is not there again');
  holds((await page.getByText(title).count()) > 0, 'the first alert is gone');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await accessible(page, 'the list of keys');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+O');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('compl');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Compliance' }).waitFor();
}

/** All that match, as a job; a viewer cannot. */
export async function queue_in_bulk(stage) {
  const page = await stage.signedIn('analyst');
  await queue(page, stage.at, '?facility=plant-1&severity=medium');
  await page.getByLabel('Select all that are loaded').check();
  await page.getByRole('button', { name: 'Resolve' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Penetration test' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resolve', exact: true }).click();
  await toast(page, 'alerts resolved');
  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await toast(page, 'Undone');
  const viewer = await stage.signedIn('viewer');
  await queue(viewer, stage.at);
  await viewer.keyboard.press('j');
  await viewer.keyboard.press('a');
  await rows(viewer).first().getByRole('checkbox').check();
  holds((await viewer.getByRole('button', { name: 'Acknowledge' }).count()) === 0, 'a viewer is offered what he may not do');
}

/** The alert: words, the minute, layers, evidence, related, history, and a race of two people. */
export async function alert_in_detail(stage) {
  const page = await stage.signedIn('analyst');
  await queue(page, stage.at, '?facility=plant-1&severity=high');
  await rows(page).first().locator('.c-title a').click();
  for (const heading of ['What happened', 'The minute', 'Why we think so', 'What to do', 'What may come next', 'What belongs to it']) {
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
  }
  await page.getByRole('slider', { name: 'Second of the minute' }).waitFor();
  await page.keyboard.press('.');
  await page.keyboard.press('.');
  const second = Number(await page.getByLabel('Second', { exact: true }).inputValue());
  holds(second >= 2, `the keys chose second ${second}`);
  await page.locator('.minute').getByText('Table').click();
  await page.locator('.minute table tbody tr').nth(59).waitFor();
  holds((await page.locator('.layer .source').count()) === 5, 'not all sources are shown');
  await settled(page);
  await accessible(page, 'an alert beside the queue');
  await page.getByRole('tab', { name: 'Evidence' }).click();
  await page.getByText('SHA-256').waitFor();
  await accessible(page, 'the evidence');
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText('Nobody has touched it').waitFor();
  await page.getByRole('link', { name: 'Own page' }).click();
  await page.waitForURL(/\/alerts\/[0-9a-f-]{36}/);
  await page.locator('.alert-title').waitFor();
  await settled(page);
  await accessible(page, 'an alert on its own page');
  await shot(page, 'alert');
  // Another analyst is faster while this page has not heard of it.
  await page.routeWebSocket(/\/ws/, (socket) => socket.close());
  await page.reload();
  await page.getByRole('button', { name: 'It was right: resolve' }).waitFor();
  const other = await stage.signedIn('engineer');
  await other.goto(page.url());
  await other.getByRole('button', { name: 'Acknowledge' }).click();
  await toast(other, 'Alert acknowledged');
  await page.getByRole('button', { name: 'It was right: resolve' }).click();
  await page.getByRole('dialog').getByLabel('Why').fill('T0836 seen on the screen');
  await page.getByRole('dialog').getByRole('button', { name: 'Resolve' }).click();
  await page.getByText('Somebody was faster').waitFor();
  await accessible(page, 'after a race');
  await page.getByRole('button', { name: 'Resolve all the same' }).click();
  await toast(page, 'Alert resolved');
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText('T0836 seen on the screen').waitFor();
}

/** Every format, and what is in it is what is on the screen. */
export async function queue_exports(stage) {
  const page = await stage.signedIn('viewer');
  await queue(page, stage.at, '?facility=plant-1&severity=critical');
  const total = Number((await page.locator('.queue-head [role=status]').innerText()).replace(/\D/g, ''));
  for (const [name, count] of [['CSV table', (text) => text.trim().split('\r\n').length - 1], ['JSON lines', (text) => text.trim().split('\n').length], ['STIX 2.1 bundle', (text) => JSON.parse(text).objects.length], ['OCSF findings', (text) => text.trim().split('\n').length], ['ATT&CK Navigator layer', (text) => JSON.parse(text).techniques.length]]) {
    await page.getByRole('button', { name: 'Export' }).click();
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name, exact: true }).click();
    const found = count(readFileSync(await (await coming).path(), 'utf8'));
    holds(/STIX|layer/.test(name) ? found > 0 : found === total, `${name} has ${found} of ${total}`);
  }
}

/** Live: new alerts come in on top, or wait when somebody reads; the queue can be paused. */
export async function queue_is_live(stage) {
  const page = await stage.signedIn('analyst');
  await queue(page, stage.at);
  await page.locator('.lamp.live').waitFor();
  await stage.raise(1, 'seen at once');
  await rows(page).first().getByText('seen at once').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await stage.raise(3, 'waits');
  await page.getByRole('button', { name: '3 new' }).waitFor();
  holds((await page.getByText('waits').count()) === 0, 'it came in while the queue was paused');
  await page.keyboard.press('n');
  await rows(page).first().getByText('waits').waitFor();
}

export async function facilities_and_map(stage) {
  const page = await stage.signedIn('viewer');
  await go(page, stage.at, '/facilities');
  await page.locator('.plant', { hasText: 'plant-0' }).click();
  await page.getByRole('heading', { name: 'Who talks to whom' }).waitFor();
  const node = page.locator('.map a').first();
  await node.waitFor();
  await page.locator('.panel', { hasText: 'Who talks to whom' }).getByText('Table').click();
  await page.getByRole('region', { name: 'Who talks to whom, as a table' }).locator('tbody tr').nth(3).waitFor();
  await node.focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/alerts\?.*facility=plant-0/);
  await rows(page).first().waitFor();
  await go(page, stage.at, '/facilities/nowhere');
  await page.getByText('There is no such plant').waitFor();
}

export async function incidents_tell_a_story(stage) {
  const page = await stage.signedIn('viewer');
  await go(page, stage.at, '/incidents?facility=plant-0');
  const story = page.locator('.incident').first();
  await story.waitFor();
  holds((await story.locator('.chain .seen').count()) > 0, 'no stage of the kill chain was seen');
  await story.getByRole('heading', { name: 'Step by step' }).waitFor();
  await story.getByRole('heading', { name: 'What may come next' }).waitFor();
  await settled(page);
  await accessible(page, 'an incident with its story');
  await story.getByRole('button', { name: 'Less' }).click();
  await page.waitForURL(/incident=none/);
  await story.getByRole('button', { name: 'Its story' }).click();
  await story.locator('.steps a').first().click();
  await page.locator('.alert-title').waitFor();
}

export async function attack_matrix_and_graph(stage) {
  const page = await stage.signedIn('viewer');
  await go(page, stage.at, '/attack');
  await page.locator('.matrix .cell.guessed').first().waitFor();
  holds((await page.locator('.matrix .cell').count()) > 70, 'the matrix is not whole');
  await page.locator('.matrix .cell.seen').first().click();
  await page.waitForURL(/technique=T\d{4}/);
  await page.getByRole('heading', { name: 'Seen' }).waitFor();
  await settled(page);
  await accessible(page, 'a technique');
  await page.getByRole('tab', { name: 'Graph' }).click();
  await page.locator('.map a').first().waitFor();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Navigator layer' }).click();
  const layer = JSON.parse(readFileSync(await (await coming).path(), 'utf8'));
  holds(layer.domain === 'ics-attack', 'the layer is none of ICS');
}

export async function learning_and_models(stage) {
  const page = await stage.signedIn('engineer');
  await go(page, stage.at, '/learning');
  await page.getByRole('button', { name: 'Start a round' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start a round' });
  await dialog.getByText('Privacy it costs').waitFor();
  await dialog.getByLabel('Strategy').selectOption('median');
  await accessible(page, 'the dialog that starts a round');
  await dialog.getByRole('button', { name: 'Start, and spend it' }).click();
  // Either it begins, or the aggregator says why not; never nothing.
  await page.locator('.toast').first().waitFor();
  await go(page, stage.at, '/models');
  await page.getByText('No version yet').waitFor();
  const viewer = await stage.signedIn('viewer');
  await go(viewer, stage.at, '/learning');
  holds((await viewer.getByRole('button', { name: 'Start a round' }).count()) === 0, 'a viewer may start a round');
}

export async function traffic_and_charts(stage) {
  const page = await stage.signedIn('viewer');
  await go(page, stage.at, '/traffic?range=1h');
  const chart = page.getByRole('group', { name: /^Packets a second/ });
  await chart.waitFor();
  await chart.focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('.tip').first().waitFor();
  await page.locator('.head select').selectOption('plant-1');
  await page.waitForURL(/facility=plant-1/);
  await page.getByLabel('Figure').selectOption('packets');
  await settled(page);
  await page.getByText('Table').first().click();
  await page.locator('.twin-body table tbody tr').nth(3).waitFor();
  await accessible(page, 'traffic with a table open');
}

export async function compliance_and_report(stage) {
  const page = await stage.signedIn('admin');
  await go(page, stage.at, '/compliance');
  await page.locator('.checks details').first().locator('summary').click();
  await page.getByText('What to do:').first().waitFor();
  await page.locator('.checks details').first().getByRole('button', { name: 'Check now' }).click();
  await page.locator('.toast').first().waitFor();
  await accessible(page, 'an open check');
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  holds(readFileSync(await (await coming).path(), 'utf8').startsWith('id,title,result'), 'the checks are no CSV');
  await page.getByLabel('Take names out of a text').fill('10.0.0.7 wrote to pump@plant.example');
  await page.getByRole('button', { name: 'Try' }).click();
  await page.locator('pre.record', { hasNotText: 'pump@plant.example' }).last().waitFor();
  await page.emulateMedia({ media: 'print' });
  holds(await page.locator('.side').isHidden(), 'the navigation would be printed');
  holds((await page.pdf({ format: 'A4' })).length > 10_000, 'there is no report');
}

export async function settings_of_people(stage) {
  const page = await stage.signedIn('admin');
  await go(page, stage.at, '/settings?tab=users');
  await page.getByRole('button', { name: 'Add a user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('kim');
  await dialog.getByLabel('Password').fill('a password of kim');
  await dialog.getByLabel('Role').selectOption('analyst');
  await accessible(page, 'the dialog for a user');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await toast(page, 'kim can sign in');
  await page.getByRole('button', { name: 'Change kim' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('row', { name: /kim/ }).getByText('disabled').waitFor();
  await page.getByRole('tab', { name: 'Keys' }).click();
  await page.getByRole('button', { name: 'Make a key' }).click();
  await page.getByLabel('What it is for').fill('siem');
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  await page.getByText(/fwk_/).waitFor();
  await accessible(page, 'a key, shown once');
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('button', { name: 'End the key siem' }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await toast(page, 'works no more');
  await page.getByRole('tab', { name: 'Audit' }).click();
  await page.getByText('user.added').or(page.getByText(/^user\./)).first().waitFor();
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await page.locator('[role=status] .chip').waitFor();
  await page.getByRole('tab', { name: 'This browser' }).click();
  await page.getByLabel('Dark').check();
  await page.getByLabel('UTC', { exact: true }).check();
  await page.reload();
  await page.getByLabel('Dark').waitFor();
  holds((await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark', 'the theme was not kept');
  await page.locator('.top').getByRole('button', { name: 'UTC' }).waitFor();
  await page.locator('.top').getByRole('button', { name: /admin/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
}
