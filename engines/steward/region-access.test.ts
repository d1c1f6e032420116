import { expect, test } from 'vitest'
import { isLetIntoRegion, REOPENING_SHARES } from './region-access.ts'

const PEOPLE = Array.from({ length: 20_000 }, (_, at) => `10.${at >> 8}.${at & 255}.7`)
const letIn = (share: number, region = 'eu') => PEOPLE.filter((key) => isLetIntoRegion(region, key, share))

test('a share of the people is let in, and nobody at none', () => {
  for (const share of REOPENING_SHARES) {
    expect(letIn(share).length / PEOPLE.length).toBeGreaterThan(share - 0.01)
    expect(letIn(share).length / PEOPLE.length).toBeLessThan(share + 0.01)
  }
  expect(letIn(0)).toEqual([])
})

test('who is let in at one stage stays in at the next', () => {
  const [few, some] = [letIn(0.05), new Set(letIn(0.25))]
  expect(few.filter((key) => !some.has(key))).toEqual([])
})

test('each region draws for itself', () => {
  const other = new Set(letIn(0.25, 'us'))
  const both = letIn(0.25).filter((key) => other.has(key)).length / PEOPLE.length
  expect(both).toBeGreaterThan(0.04)
  expect(both).toBeLessThan(0.09)
})
