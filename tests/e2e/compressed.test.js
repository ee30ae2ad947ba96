/** "The number, as a file": pictures of the page as the program would compress them, files of the program read on the page, and what is wrong with others. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { imagesOn } from './browser.js';
import { png } from './png.js';
import { noCommandLine, readNpy, runCommandLine } from './reference.js';
import { accessibilityFaults } from './sections.js';
import { fileOf } from './server.js';
import { page, site, visitSite, watch } from './site.js';

const MODEL = 'mnist-row';
const WEIGHTS = fileOf(`models/${MODEL}.safetensors`) ?? '';
/** Test pictures that are shown first. */
const FIRST = 16;

/** @type {string} */
let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'))));
after(() => rmSync(folder, { recursive: true }));

visitSite();

const section = () => page.locator('#compressed');
const caption = () => section().locator('figcaption');
const choose = (/** @type {any} */ files) => section().locator('[type="file"]').setInputFiles(files);

async function open(model = MODEL) {
  await page.goto(`${site.url}#pace=instant&model=${model}`);
  await page.locator('#race button:enabled').waitFor({ state: 'attached' });
  await section().evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await caption().filter({ hasText: /every pixel is the same/ }).waitFor({ timeout: 60_000 });
}

/** What a button saves. @param {string} button */
async function saved(button) {
  const [download] = await Promise.all([page.waitForEvent('download'), section().getByRole('button', { name: button }).click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** The levels of a compressed file, as the program reads it. @param {Buffer} file */
function readByProgram(file) {
  writeFileSync(join(folder, 'saved.prc'), file);
  runCommandLine(['decompress', '--model', WEIGHTS, 'saved.prc', '--out', 'read.npy'], folder);
  return [...readNpy(readFileSync(join(folder, 'read.npy'))).values];
}

/** A file that the program has made of pictures that it drew, and their levels. @param {number} count */
function writtenByProgram(count) {
  runCommandLine(['sample', '--model', WEIGHTS, '--seed', '9', '--count', String(count), '--out', 'in.npy'], folder);
  runCommandLine(['compress', '--model', WEIGHTS, 'in.npy', '--out', 'packed.prc'], folder);
  return { file: readFileSync(join(folder, 'packed.prc')), levels: [...readNpy(readFileSync(join(folder, 'in.npy'))).values] };
}

/** The ink of the pictures shown. @param {number} count */
const shown = async (count) => (await imagesOn(section().locator('canvas'), count)).flat();

/** What the page says that each format takes, in bytes. */
const sizes = async () => Object.fromEntries(await section().locator('dl > div').evaluateAll((rows) => rows.map((row) => [row.querySelector('dt').textContent, parseInt(row.querySelector('dd').textContent.replace(/,/g, ''), 10)])));

test('test pictures become a file that the program reads', { skip: noCommandLine }, async () => {
  await open();
  const { name, bytes } = await saved('Save the file');
  assert.equal(name, `${MODEL}.prc`);
  assert.deepEqual(readByProgram(bytes), await shown(FIRST));
  runCommandLine(['compress', '--model', WEIGHTS, 'read.npy', '--out', 'again.prc'], folder);
  assert.deepEqual(readFileSync(join(folder, 'again.prc')), bytes, 'what the program writes of them');

  const told = await sizes();
  assert.deepEqual(Object.keys(told), ['This network', 'PNG', 'WebP']);
  assert.equal(told['This network'], bytes.length);
  assert.ok(told['This network'] < told.PNG && told['This network'] < told.WebP, JSON.stringify(told));
  // The file has a head, and each of its streams an end.
  const [, chances, inFile] = /: ([\d,]+) bits by their chances, ([\d,]+) in the file\./.exec(await caption().innerText()) ?? [];
  const [least, most] = [chances, inFile].map((text) => Number(text.replace(/,/g, '')));
  assert.equal(most, 8 * bytes.length);
  assert.ok(least > 500 && least < most && most <= least + 8 * (FIRST * 8 + 32), `${least} ${most}`);
  assert.deepEqual(await accessibilityFaults(), []);
});

test('a file of the program is read, and its pictures can be saved', { skip: noCommandLine }, async () => {
  await open();
  const { file, levels } = writtenByProgram(3);
  await choose({ name: 'three.prc', mimeType: '', buffer: file });
  await caption().filter({ hasText: /^3 pictures of three\.prc: .* Read in / }).waitFor();
  assert.deepEqual(await shown(3), levels);
  assert.deepEqual((await saved('Save the file')).bytes, file);
  const sheet = (await saved('Save the pictures')).bytes;
  assert.equal(sheet.subarray(1, 4).toString(), 'PNG');
  // Two columns and two rows of squares of 8 × 8.
  assert.deepEqual([sheet.readUInt32BE(16), sheet.readUInt32BE(20)], [2 * 28 * 8, 2 * 28 * 8]);
  // Of another network it is no file.
  await page.evaluate(() => (location.hash = '#pace=instant&model=mnist-pixelcnn'));
  await caption().filter({ hasText: /^16 test pictures: .*every pixel is the same/ }).waitFor({ timeout: 60_000 });
});

test('what is damaged, foreign or of another network is said, and what was there stays', { skip: noCommandLine }, async () => {
  await open();
  const [before, pictures] = [await caption().innerText(), await shown(FIRST)];
  const { file } = writtenByProgram(1);
  const damaged = Buffer.from(file);
  damaged[40] ^= 1;
  const other = Buffer.from(file);
  for (const [name, buffer, fault] of /** @type {Array<[string, Buffer, RegExp]>} */ ([
    ['cut.prc', file.subarray(0, 30), /^cut\.prc: .*checksum/],
    ['damaged.prc', damaged, /^damaged\.prc: .*checksum/],
    ['text.prc', Buffer.from('no such file'), /^text\.prc: .*'PRC' expected/],
    ['text.txt', Buffer.from('no picture'), /^text\.txt is not a picture/],
  ])) {
    await choose({ name, mimeType: '', buffer });
    await section().locator('.fault').filter({ hasText: fault }).waitFor();
    assert.deepEqual([await caption().innerText(), await shown(FIRST)], [before, pictures]);
  }
  await page.evaluate(() => (location.hash = '#pace=instant&model=mnist-pixelcnn'));
  await caption().filter({ hasText: /every pixel is the same/ }).waitFor({ timeout: 60_000 });
  await choose({ name: 'other.prc', mimeType: '', buffer: other });
  await section().locator('.fault').filter({ hasText: /^other\.prc: made with the model whose sha256 begins with/ }).waitFor();
});

test('pictures of the visitor’s own, dropped or chosen, are compressed and sent nowhere', { skip: noCommandLine }, async () => {
  await open();
  const square = (/** @type {number} */ left) => png(56, 56, (x, y) => (x >= left && x < left + 16 && y >= 20 && y < 36 ? [230, 230, 230] : [10, 10, 10]));
  await choose([10, 20, 30].map((left) => ({ name: `${left}.png`, mimeType: 'image/png', buffer: square(left) })));
  await caption().filter({ hasText: /^3 pictures of yours, made 28 × 28: .*every pixel is the same/ }).waitFor();
  const ink = await shown(3);
  assert.deepEqual([0, 1, 2].map((k) => ink.slice(784 * k, 784 * (k + 1)).indexOf(1)), [10, 20, 30].map((left) => 28 * 10 + left / 2));
  assert.deepEqual(readByProgram((await saved('Save the file')).bytes), ink);

  await section().locator('h2').evaluate((element, bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], 'square.png', { type: 'image/png' }));
    element.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  }, [...square(40)]);
  await caption().filter({ hasText: /^1 picture of yours/ }).waitFor();
  assert.equal((await shown(1)).indexOf(1), 28 * 10 + 20);
  // The pictures go along to another network.
  await page.evaluate(() => (location.hash = '#pace=instant&model=mnist-pixelcnn'));
  await caption().filter({ hasText: /^1 picture of yours/ }).waitFor();
  assert.deepEqual(watch.sent, []);
});
