// The page in Firefox: node firefox.mjs ADDRESS FIREFOX. It prints what it saw as JSON.
import { createRequire } from "node:module";

const assets = new URL("../../../musicae/assets/studio/package.json", import.meta.url);
const { default: puppeteer } = await import(createRequire(assets).resolve("puppeteer-core"));
const [address, executablePath] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(address);
  const example = await page.waitForSelector(".roll-hint button ::-p-text(Amazing Grace)");
  await example.click();
  await page.waitForFunction(() => document.querySelectorAll(".chord").length > 8);
  await page.keyboard.press(" ");
  await page.waitForFunction(() => window.musicaeSound?.scheduled.length > 3);
  const { state, scheduled } = await page.evaluate(() => ({
    state: window.musicaeSound.state,
    scheduled: window.musicaeSound.scheduled.length,
  }));
  console.log(JSON.stringify({ state, scheduled, errors }));
} finally {
  await browser.close();
}
