// A person with a browser (Debian's Chromium, scripts off): opens what a program asks to open,
// signs in where that is asked, decides, and ends where the program waits.
//
// Reads one JSON object a line, and answers each with one:
//   {"open": URL, "back": PREFIX, "name": WHO, "decision": "allow" | "deny"}
//       -> {"landed": URL, "pages": [TITLE, ...], "consent": TEXT | null}
//   {"device": URL, "name": WHO, "decision": "allow" | "deny"} -> {"connected": true}
//   {"account": URL, "take_back": CLIENT, "name": WHO} -> {"taken_back": true}
// What goes wrong is answered with {"error": TEXT}.

import readline from 'node:readline';
import { chromium } from 'playwright-core';

const PAGES_MAX = 12;
const PATIENCE_MS = 20_000;

const [executablePath] = process.argv.slice(2);
// As root there is no sandbox to be had.
const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({ executablePath, args });
// Certificates are made for this run; the programs that are proved do check them.
const context = await browser.newContext({ javaScriptEnabled: false, ignoreHTTPSErrors: true });
context.setDefaultTimeout(PATIENCE_MS);
const page = await context.newPage();
// What the browser complains of, such as a form that a page's own policy forbids.
let complaint = '';
page.on('console', (message) => {
  complaint = message.text();
});

/** Presses it, and waits until the next page is there. */
async function press(button) {
  const next = page.waitForEvent('load');
  await button.click();
  await next;
}

/** One page further on the way through sign-in, whoever's pages they are. */
async function sign_in(name) {
  const upstream = page.getByRole('button', { name: /^Sign in with / });
  if (await upstream.count()) return press(upstream);
  // The provider's own pages.
  const login = page.locator('input[name="login"]');
  if (await login.count()) {
    await login.fill(name);
    await page.locator('input[name="password"]').fill('any');
    return press(page.locator('button[type="submit"]'));
  }
  const goOn = page.getByRole('button', { name: 'Continue' });
  if (await goOn.count()) return press(goOn);
  throw new Error(`nothing to do at ${page.url()}: ${await text()} ${complaint}`);
}

const text = async () => (await page.locator('body').innerText()).slice(0, 2_000);

async function authorize({ open, back, name, decision }) {
  const pages = [];
  let consent = null;
  await page.goto(open);
  for (let count = 0; count < PAGES_MAX; count += 1) {
    if (page.url().startsWith(back)) return { landed: page.url(), pages, consent };
    pages.push(await page.title());
    const decide = page.locator(`button[name="decision"][value="${decision}"]`);
    if (await decide.count()) {
      consent = await text();
      await press(decide);
    } else {
      await sign_in(name);
    }
  }
  throw new Error(`no end after ${PAGES_MAX} pages: ${pages}`);
}

/** Types nothing: the link has the code in it, and the person compares it. */
async function connect({ device, name, decision }) {
  await page.goto(device);
  for (let count = 0; count < PAGES_MAX; count += 1) {
    if ((await page.title()).startsWith('Your device is connected')) return { connected: true };
    const decide = page.locator(`button[name="decision"][value="${decision}"]`);
    if (await decide.count()) await press(decide);
    else if (await page.locator('input[name="user_code"]').count()) {
      await press(page.getByRole('button', { name: 'Continue' }));
    } else await sign_in(name);
  }
  throw new Error(`no end after ${PAGES_MAX} pages: ${await text()}`);
}

async function takeBack({ account, take_back: client, name }) {
  await page.goto(account);
  const button = page.getByRole('button', { name: `Take back what ${client}` });
  for (let count = 0; count < PAGES_MAX && !(await button.count()); count += 1) {
    await sign_in(name);
  }
  await press(button);
  if (await button.count()) throw new Error(`it is still there: ${await text()}`);
  return { taken_back: true };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const wanted = JSON.parse(line);
    const act = wanted.open ? authorize : wanted.device ? connect : takeBack;
    answer = await act(wanted);
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
