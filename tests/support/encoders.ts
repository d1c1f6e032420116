/** Encoders at work on this machine. */
import { readdir, readFile } from 'node:fs/promises'

/** The process ids of the encoders that a process started. */
export async function encodersOf(parentPid: number): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [, program, parent] = /\((.+)\) \S (\d+)/.exec(status) ?? []
    if (program === 'ffmpeg' && Number(parent) === parentPid) found.push(Number(name))
  }
  return found
}
