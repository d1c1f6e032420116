/** Processor time of a whole product, read from /proc. */
import { readdir, readFile } from 'node:fs/promises'

/** Linux reports times in hundredths of a second whatever the kernel's own tick is (USER_HZ, proc(5)). */
const TICKS_PER_S = 100

interface ProcessTimes {
  readonly pid: number
  readonly parentPid: number
  /** User and system time of its own and of every child that it has waited for, and of theirs. */
  readonly ticks: number
}

/**
 * Seconds of user and system time that these processes and all their descendants have taken so far, the ended ones
 * included: an ended child's time is kept by the parent that waited for it.
 */
export async function readProcessorTimeS(rootPids: readonly number[]): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = (await Promise.all(pids.map(readTimes))).filter((times) => times !== null)
  const childrenOf = Map.groupBy(all, (times) => times.parentPid)
  const counted = new Set<number>()
  let ticks = 0
  const visit = (times: ProcessTimes) => {
    if (counted.has(times.pid)) return
    counted.add(times.pid)
    ticks += times.ticks
    for (const child of childrenOf.get(times.pid) ?? []) visit(child)
  }
  for (const times of all) if (rootPids.includes(times.pid)) visit(times)
  return ticks / TICKS_PER_S
}

async function readTimes(pid: number): Promise<ProcessTimes | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return null
  // The name stands in parentheses and may hold any character: fields count from the last one. Numbers as in proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  return { pid, parentPid: field(4), ticks: field(14) + field(15) + field(16) + field(17) }
}

/** How long all threads of these processes have run, in nanoseconds, as the kernel's scheduler counts it; those that ended are left out. */
export async function readThreadsNs(pids: readonly number[]): Promise<number> {
  const perProcess = await Promise.all(
    pids.map(async (pid) => (await readdir(`/proc/${pid}/task`)).map((thread) => `${pid}/task/${thread}`)),
  )
  return readRunNs(perProcess.flat())
}

/** How long the children of an nginx have run, its workers, in nanoseconds. */
export async function readWorkersNs(masterPid: number): Promise<number> {
  const children = await readFile(`/proc/${masterPid}/task/${masterPid}/children`, 'utf8')
  return readRunNs(children.split(' ').filter(Boolean))
}

/** How long all of this machine's cores were busy so far, in seconds, interrupts included (proc(5), `stat`). */
export async function readMachineBusyS(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  const [user, nice, system, , , irq, softIrq] = line.split(/ +/).slice(1).map(Number)
  return (
    [user, nice, system, irq, softIrq].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_S
  )
}

async function readRunNs(tasks: readonly string[]): Promise<number> {
  const stats = await Promise.all(tasks.map((task) => readFile(`/proc/${task}/schedstat`, 'utf8')))
  return stats.reduce((sum, stat) => sum + Number(stat.split(' ')[0]), 0)
}
