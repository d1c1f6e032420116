/** Less CPU for some processes, by a control group of their own: version 1 or 2 of the kernel's interface. */
import { spawnSync } from 'node:child_process'
import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000
/** The kernel takes nothing below. */
const QUOTA_MIN_US = 1_000

export interface CpuQuota extends AsyncDisposable {
  /** So many cores' worth, for all of them together; null: as much as there is. */
  set(cores: number | null): Promise<void>
}

/** Why there can be none here; null: there can. */
export async function whyNoCpuQuota(): Promise<string | null> {
  const name = `upbeat-try-${process.pid}`
  try {
    const group = await makeGroup(name)
    await rmdir(group.path)
    return null
  } catch (error) {
    return `no control group for the CPU can be made here: ${(error as Error).message}`
  }
}

/** Puts the processes into a group of their own; disposal puts them back. */
export async function limitCpu(pids: readonly number[]): Promise<CpuQuota> {
  const { path, parent, isV2 } = await makeGroup(`upbeat-drill-${process.pid}`)
  for (const pid of pids) await writeFile(join(path, 'cgroup.procs'), String(pid))
  const set = async (cores: number | null) => {
    const quotaUs = cores === null ? null : Math.max(QUOTA_MIN_US, Math.round(cores * PERIOD_US))
    await (isV2
      ? writeFile(join(path, 'cpu.max'), `${quotaUs ?? 'max'} ${PERIOD_US}`)
      : writeFile(join(path, 'cpu.cfs_quota_us'), String(quotaUs ?? -1)))
  }
  const giveBackNow = () => {
    // Synchronous: it also runs when this process exits.
    spawnSync('sh', ['-c', `for p in $(cat ${path}/cgroup.procs); do echo $p > ${parent}/cgroup.procs; done`])
    try {
      rmdirSync(path)
    } catch {
      // A process that is just ending holds it for another moment, and an empty group costs nothing.
    }
  }
  process.once('exit', giveBackNow)
  return {
    set,
    async [Symbol.asyncDispose]() {
      await set(null)
      giveBackNow()
      process.off('exit', giveBackNow)
    },
  }
}

async function makeGroup(name: string): Promise<{ path: string; parent: string; isV2: boolean }> {
  const isV1 = await access(join(ROOT, 'cpu', 'cpu.cfs_quota_us')).then(
    () => true,
    () => false,
  )
  const parent = isV1 ? join(ROOT, 'cpu') : ROOT
  const path = join(parent, name)
  await mkdir(path)
  const file = isV1 ? 'cpu.cfs_quota_us' : 'cpu.max'
  try {
    await access(join(path, file))
  } catch (error) {
    await rmdir(path)
    throw error
  }
  return { path, parent, isV2: !isV1 }
}

/** How much CPU a process uses, in cores, over some time. */
export async function measureCpu(pid: number, overMs: number): Promise<number> {
  const before = await readCpuMs(pid)
  const startMs = performance.now()
  await sleep(overMs)
  return ((await readCpuMs(pid)) - before) / (performance.now() - startMs)
}

/** All threads together. */
async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // proc(5): utime and stime, in ticks of a hundredth of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10
}
