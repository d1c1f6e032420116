import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const up = (...args: string[]) =>
  spawnSync(join(import.meta.dirname, '..', 'up'), args, { encoding: 'utf8', timeout: 60_000 })

test.each([
  [['--bogus'], './up knows no "--bogus".'],
  [['all'], './up knows no "all".'],
  [['--port', 'abc'], '--port is "abc"; what fits is a whole number from 0 to 65535.'],
  [['--port=65536'], '--port is "65536"; what fits is a whole number from 0 to 65535.'],
  [['--watch-port', '-1'], '--watch-port is "-1"; what fits is a whole number from 0 to 65535.'],
  [['--host', '--no-demo'], '--host is "--no-demo"; it needs a value.'],
  [['--data'], '--data needs a value.'],
])('./up with %j says what was given, what fits, and its own usage', (args, refusal) => {
  const { status, stdout, stderr } = up(...args)
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr.split('\n')[0]).toBe(refusal)
  expect(stderr).toContain('Usage: ./up [--host ADDRESS] [--port PORT]')
})

test('./up --help tells every option, and starts nothing', () => {
  const { status, stdout } = up('--port', '65535', '--help')
  expect(status).toBe(0)
  for (const option of ['--host', '--port', '--watch-port', '--data', '--no-demo', '--no-watch'])
    expect(stdout).toContain(`\n  ${option}`)
})
