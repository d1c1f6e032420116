/** What processes have taken so far, by /proc. */
import { readFile } from 'node:fs/promises'
import { readProcessorTimeS } from './processor-time.ts'

export interface ProcessUse {
  /** User and system time, of all threads. */
  readonly cpuS: number
  /** The most memory that each had at any time, together. */
  readonly peakResidentMiB: number
}

export async function readUse(pids: readonly number[]): Promise<ProcessUse> {
  const peaks = await Promise.all(pids.map(readPeakResidentMiB))
  return {
    cpuS: await readProcessorTimeS(pids),
    peakResidentMiB: peaks.reduce((sum, peak) => sum + peak, 0),
  }
}

async function readPeakResidentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kib === undefined) throw new Error(`The kernel does not say how much memory process ${pid} had.`)
  return Number(kib) / 1024
}
