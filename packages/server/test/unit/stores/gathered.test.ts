/** Look-ups of one turn share a query; each gets its own answer, or the one failure of all. */

import { expect, test } from 'vitest';
import { Gathered } from '../../../src/stores/sql/gathered.ts';

function counting(known: readonly string[]) {
  const queries: (readonly string[])[] = [];
  const gathered = new Gathered(async (keys) => {
    queries.push(keys);
    return new Map(known.filter((key) => keys.includes(key)).map((key) => [key, `value of ${key}`]));
  });
  return { queries, gathered };
}

test('what is asked for in one turn goes in one query, each key once; what is not there is null', async () => {
  const { queries, gathered } = counting(['a', 'b']);
  const answers = await Promise.all(['b', 'a', 'nobody', 'b'].map((key) => gathered.get(key)));
  expect(answers).toEqual(['value of b', 'value of a', null, 'value of b']);
  expect(queries).toEqual([['b', 'a', 'nobody']]);
});

test('a later turn asks again: an answer is never older than its question', async () => {
  const { queries, gathered } = counting(['a']);
  await gathered.get('a');
  await gathered.get('a');
  expect(queries).toEqual([['a'], ['a']]);
});

test('a query has 16 keys at most', async () => {
  const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
  const { queries, gathered } = counting(keys);
  expect(await Promise.all(keys.map((key) => gathered.get(key)))).toEqual(keys.map((key) => `value of ${key}`));
  expect(queries.map(({ length }) => length)).toEqual([16, 16, 8]);
});

test('a query that fails, fails for those who share it and for nobody else', async () => {
  let fails = true;
  const gathered = new Gathered<string>(async () => {
    if (fails) throw new Error('away');
    return new Map();
  });
  const together = await Promise.allSettled([gathered.get('a'), gathered.get('b')]);
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await gathered.get('a')).toBeNull();
});
