/** Where the embedded server of a folder is, for programs beside the supervisor. Light: it starts nothing and asks nobody. */
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isWorkingIn } from '../../../kit/processes.ts'
import { clusterPaths, NAME } from './cluster.ts'

/** The address of the database while the server's main process lives; null when it does not. */
export async function findPostgresAddress(dataDir: string): Promise<string | null> {
  const paths = clusterPaths(dataDir)
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const cluster = await realpath(paths.cluster).catch(() => null)
  if (cluster === null) return null
  const [lines, password] = [
    (await read(join(cluster, 'postmaster.pid'))).split('\n'),
    (await read(paths.password)).trim(),
  ]
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  if (!pid || !port || !password || !(await isWorkingIn(pid, cluster))) return null
  return `postgres://${NAME}:${password}@127.0.0.1:${port}/${NAME}`
}
