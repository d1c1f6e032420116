import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { toPositional, valuesInOrder } from './positional.ts'
import { decodeResults, decodeUnits, encodeResults, encodeUnits } from './protocol.ts'

test('names become question marks in their order, a name that stands twice two of them', () => {
  const sql = toPositional('insert into t (a, b, c) values (:first, :second_1, :first)')
  expect(sql).toMatchObject({
    text: 'insert into t (a, b, c) values (?, ?, ?)',
    names: ['first', 'second_1', 'first'],
  })
  expect(valuesInOrder(sql, { second_1: null, first: 1 })).toEqual([1, null, 1])
})

test('a colon within quotes or a comment is no name', () => {
  const text = `select ':a', "x:b", 'it''s :c', :d -- :e
    /* :f
    */ , 1 where name like '%:g'`
  expect(toPositional(text).names).toEqual(['d'])
})

test('a value that is missing and one that nothing asks for are refused', () => {
  const sql = toPositional('select :a, :a, :b')
  expect(() => valuesInOrder(sql, { a: 1 })).toThrow(/no value for :b/)
  expect(() => valuesInOrder(sql, { a: 1, b: 2, c: 3 })).toThrow(/does not ask for/)
})

test('SQLite gives the same by position as by name', () => {
  const db = new DatabaseSync(':memory:')
  const named =
    "select :text || ':x' as text, :number + :number as number, hex(:bytes) as bytes, :none as none"
  const params = { text: 'ü', number: 2.5, bytes: new Uint8Array([1, 255]), none: null }
  const sql = toPositional(named)
  expect(db.prepare(sql.text).get(...valuesInOrder(sql, params))).toEqual(db.prepare(named).get(params))
  db.close()
})

test('units and their results arrive as they were sent', () => {
  const units = [
    { id: 7, statements: [{ sql: 0, values: ['a', null, 3n, new Uint8Array([1])], mustChange: true }] },
    { id: 8, statements: [] },
    {
      id: 9,
      statements: [
        { sql: 2, values: [], mustChange: false },
        { sql: 1, values: [0.5], mustChange: false },
      ],
    },
  ]
  expect(decodeUnits(structuredClone(encodeUnits(units)))).toEqual(units)
  const failure = { kind: 'disk', message: 'full' } as const
  const results = [
    { id: 8, changes: null, failure },
    { id: 7, changes: [1], failure: null },
    { id: 9, changes: [0, 12], failure: null },
  ]
  expect(decodeResults(structuredClone(encodeResults(results)))).toEqual(results)
})
