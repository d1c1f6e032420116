import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FEATURES, LEVELS, modeAt } from './levels.ts'

test('the table that operators read is the one that holds', async () => {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'operating', 'levels.md'), 'utf8')
  const rows = text
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .filter(Boolean),
    )
    .filter(
      (cells) => cells.length === LEVELS.length + 1 && cells[0] !== 'feature' && !cells[0]!.startsWith('-'),
    )
  expect(rows).toEqual(FEATURES.map((feature) => [feature, ...LEVELS.map((level) => modeAt(level, feature))]))
})
