import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { paceGroup } from './pace.ts'

/** R runs, T stands still. */
const stateOf = async (pid: number) => /\) (\S)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))![1]

test('a paced group stands still for a part of the time, and runs freely afterwards', async () => {
  const child = spawn('sh', ['-c', 'while :; do :; done'], { detached: true, stdio: 'ignore' })
  const exited = once(child, 'exit')
  const reaches = (state: string) =>
    eventually(
      () => stateOf(child.pid!),
      (seen) => seen === state,
    )
  try {
    let share = 0.2
    const pace = paceGroup(child.pid!, () => share)
    await reaches('T')
    await reaches('R')
    await reaches('T')
    share = 1
    await reaches('R')
    share = 0.1
    await reaches('T')
    pace[Symbol.dispose]()
    expect(await stateOf(child.pid!)).toBe('R')
  } finally {
    process.kill(-child.pid!, 'SIGKILL')
    await exited
  }
})
