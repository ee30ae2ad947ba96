/** The shelf of models in the worker, with models that only count how often they are freed. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelShelf } from '../../www/worker/model-shelf.js';

/**
 * A shelf with room for two models of ten bytes, and a diary of what was built and freed. Building
 * ends when the test says so.
 */
function makeShelf() {
  /** @type {string[]} */
  const diary = [];
  /** @type {Record<string, { finish: () => void, fail: (reason: Error) => void, signal: AbortSignal }>} */
  const builds = {};
  const shelf = new ModelShelf({
    room_bytes: 20,
    build: ({ name }, signal) =>
      new Promise((resolve, reject) => {
        diary.push(`build ${name}`);
        builds[name] = { signal, fail: reject, finish: () => resolve({ name, free: () => diary.push(`free ${name}`) }) };
      }),
  });
  const weights = (/** @type {string} */ name) => ({ name, url: `http://localhost/${name}`, bytes: 10, sha256: name });
  const lend = (/** @type {string} */ name, options = {}, use = (/** @type {any} */ model) => model.name) => shelf.lend(weights(name), options, use);
  /** Lends a model whose building succeeds at once. @param {string} name */
  const lendNow = (name) => {
    const lent = lend(name);
    builds[name].finish();
    return lent;
  };
  const free = (/** @type {string} */ name) => shelf.free(weights(name));
  return { diary, builds, lend, lendNow, free };
}

test('a model is built once for all who ask, now and later', async () => {
  const { diary, builds, lend } = makeShelf();
  const both = Promise.all([lend('a'), lend('a')]);
  builds.a.finish();
  assert.deepEqual(await both, ['a', 'a']);
  assert.equal(await lend('a'), 'a');
  assert.deepEqual(diary, ['build a']);
});

test('when the room is used up, the least recently used model is freed, once', async () => {
  const { diary, lend, lendNow } = makeShelf();
  await lendNow('a');
  await lendNow('b');
  await lend('a');
  await lendNow('c');
  assert.deepEqual(diary, ['build a', 'build b', 'build c', 'free b']);
  await lend('a');
  await lendNow('b');
  assert.deepEqual(diary.slice(4), ['build b', 'free c']);
});

test('a model in use is not freed, and has its turn when the use has ended', async () => {
  const { diary, lend, lendNow } = makeShelf();
  const freed = () => diary.filter((line) => line.startsWith('free'));
  await lendNow('a');
  /** @type {() => void} */
  let end = () => {};
  const using = lend('a', {}, () => new Promise((resolve) => (end = () => resolve('used'))));
  await lendNow('b');
  await lendNow('c');
  await lendNow('d');
  assert.deepEqual(freed(), ['free b', 'free c'], 'the oldest, a, is passed over');
  end();
  assert.equal(await using, 'used');
  await lendNow('e');
  assert.deepEqual(freed(), ['free b', 'free c', 'free a']);
});

test('one who stops waiting does not take the model from another', async () => {
  const { builds, lend } = makeShelf();
  const impatient = new AbortController();
  const first = lend('a', { signal: impatient.signal });
  const second = lend('a');
  impatient.abort();
  await assert.rejects(first, { name: 'AbortError' });
  assert.equal(builds.a.signal.aborted, false);
  builds.a.finish();
  assert.equal(await second, 'a');
});

test('a build that nobody waits for is given up, and whoever comes then begins a new one', async () => {
  const { diary, builds, lend } = makeShelf();
  const stop = new AbortController();
  const first = lend('a', { signal: stop.signal });
  stop.abort();
  await assert.rejects(first, { name: 'AbortError' });
  const given = builds.a;
  assert.equal(given.signal.aborted, true);
  const second = lend('a');
  // It was too late to stop the first one: what it made is freed.
  given.finish();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(diary, ['build a', 'build a', 'free a']);
  builds.a.finish();
  assert.equal(await second, 'a');
});

test('a failed build may be tried again', async () => {
  const { builds, lend, lendNow } = makeShelf();
  const first = lend('a');
  builds.a.fail(new Error('no'));
  await assert.rejects(first, { message: 'no' });
  assert.equal(await lendNow('a'), 'a');
});

test('a model that is not wanted any more is freed after its last user, unless somebody asks for it before', async () => {
  const { diary, builds, lend, lendNow, free } = makeShelf();
  free('a');
  await lendNow('a');
  free('a');
  assert.deepEqual(diary, ['build a', 'free a']);
  const ends = /** @type {Array<() => void>} */ ([]);
  const use = () => new Promise((resolve) => ends.push(() => resolve(null)));
  const using = lend('a', {}, use);
  free('a');
  builds.a.finish();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(diary.length, 3, 'in use');
  ends[0]();
  await using;
  assert.equal(diary.at(-1), 'free a');
  const again = lend('a', {}, use);
  builds.a.finish();
  await new Promise((resolve) => setTimeout(resolve));
  free('a');
  const another = lend('a');
  ends[1]();
  await Promise.all([again, another]);
  assert.equal(diary.filter((line) => line === 'free a').length, 2, 'kept for who asked last');
});
