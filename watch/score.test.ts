import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { scoreFile } from './score.ts'

async function scoreText(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'upbeat-score-'))
  try {
    const path = join(folder, 'series.csv')
    await writeFile(path, text)
    let written = ''
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString()
        done()
      },
    })
    await scoreFile(path, output)
    return written
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('each row comes back with its score, in order and as it was written', async () => {
  const rows = Array.from(
    { length: 500 },
    (_, at) => `2026-01-05 ${String(at % 24).padStart(2, '0')}:00:00,${at === 450 ? 900 : at % 7}`,
  )
  const lines = (await scoreText(`timestamp,value\r\n${rows.join('\r\n')}\r\n`)).trimEnd().split('\n')

  expect(lines[0]).toBe('timestamp,value,score')
  expect(lines).toHaveLength(501)
  expect(lines[1]).toBe('2026-01-05 00:00:00,0,0.000000')
  const scores = lines.slice(1).map((line) => Number(line.split(',')[2]))
  expect(scores.indexOf(Math.max(...scores))).toBe(450)
})

test('a row without a number stays, and scores 0', async () => {
  expect(await scoreText('timestamp,value\n1767571200,\n1767571260,oops\n')).toBe(
    'timestamp,value,score\n1767571200,,0.000000\n1767571260,oops,0.000000\n',
  )
})

test('a file without a header loses no row', async () => {
  expect(await scoreText('1767571200,5\n')).toBe('timestamp,value,score\n1767571200,5,0.000000\n')
})

test('a file that is not there is named', async () => {
  await expect(scoreFile('/nowhere/series.csv')).rejects.toThrow("/nowhere/series.csv can't be read.")
})
