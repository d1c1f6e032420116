import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findBreaches } from './expand-contract.ts'
import { readMigrations } from './migrations.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** The last one that was written before two releases ever ran side by side. */
const LAST_OF_ONE_VERSION = '0015-session-revocations'

const why = async (...files: string[]): Promise<string[]> =>
  (
    await findBreaches(
      files.map((sql, index) => ({ name: `000${index + 1}`, sql })),
      { knownToOldCode: new Set(['0000-known']) },
    )
  ).map((breach) => breach.why)

test.for([
  'create table a (id int primary key, b text not null)',
  'alter table a add column b int',
  'alter table a add column b int not null default 3',
  'alter table a add column b int generated always as identity',
  "alter table a add column b text check (b in ('x', 'y'))",
  'create index on a (b)',
  'update a set b = 1 where b is null',
  "alter type kind add value 'new'",
  'alter table a alter column b set default 3',
  'create trigger t before insert on a execute function f()',
  'create table a (id int); create unique index on a (id); alter table a drop column id; drop table a',
])('old code lives with: %s', async (sql) => {
  expect(await why(sql)).toEqual([])
})

test.for([
  ['alter table a drop column b', 'a.b is dropped'],
  ['alter table a rename column b to c', 'b is renamed'],
  ['alter table a rename to c', 'a is renamed'],
  ['drop table a, b', 'the table a, b is dropped'],
  ['drop view v', 'the view v is dropped'],
  ['drop index i', 'the index i is dropped'],
  ['alter table a add column b int not null', 'a.b is NOT NULL without a default'],
  ['alter table a alter column b set not null', 'a.b becomes NOT NULL'],
  ['alter table a alter column b drop not null', 'a.b may become null'],
  ['alter table a alter column b type bigint', 'a.b gets another type'],
  ['alter table a alter column b drop default', 'a.b loses its default'],
  ['alter table a add check (b > 0) not valid', 'a constraint on a refuses rows'],
  ['alter table a drop constraint c', 'the constraint c of a is dropped'],
  ['create unique index on a (b)', 'a unique index on a'],
  ["alter type kind rename value 'x' to 'y'", 'a value of a type is renamed'],
  ['truncate a', 'is emptied'],
  ["do $$ begin execute 'drop table a'; end $$", 'a DO block'],
  ['alter table a set schema other', 'it is not known'],
  ['alter tabel a', 'it is not understood'],
] as const)('old code can not live with: %s', async ([sql, reason]) => {
  expect((await why(sql)).join()).toContain(reason)
})

test('what an earlier one of them made is theirs to change', async () => {
  expect(await why('create table a (id int)', 'alter table a drop column id')).toEqual([])
})

test('what is unused since a migration that old code brought along may go', async () => {
  const drop = (since: string) => `-- contract: unused since ${since}\nalter table a drop column b;`
  expect(await why(drop('0000-known'))).toEqual([])
  expect((await why(drop('0007-later'))).join()).toContain('release that first')
})

test('each migration of this repository can be applied under the release before it', async () => {
  const all = await readMigrations(ROOT)
  const guarded = all.filter(({ name }) => name > LAST_OF_ONE_VERSION)
  for (const migration of guarded) {
    const earlier = all.filter(({ name }) => name < migration.name).map(({ name }) => name)
    expect(await findBreaches([migration], { knownToOldCode: new Set(earlier) })).toEqual([])
  }
})
