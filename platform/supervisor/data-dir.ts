/** The folder of one instance. */
import { chmod, mkdir, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { lockDataDir } from './lock.ts'

/** The data folder can't be made or written; the message says why and what to do. */
export class DataDirError extends Error {}

/**
 * Makes the folder when it is missing, and takes it for this process. Disposal gives it back.
 *
 * @throws {AlreadyRunningError} naming the process that holds it.
 * @throws {DataDirError}
 */
export async function takeDataDir(dataDir: string): Promise<Disposable> {
  try {
    await makeDataDir(dataDir)
    return await lockDataDir(dataDir)
  } catch (error) {
    throw explainDataDir(error, dataDir)
  }
}

async function makeDataDir(dataDir: string): Promise<void> {
  const exists = await stat(dataDir).then(
    () => true,
    () => false,
  )
  await mkdir(dataDir, { recursive: true })
  // Others may pass through (PostgreSQL's user must), not look around; an existing folder keeps what its owner chose.
  if (!exists) await chmod(dataDir, 0o711)
}

/** What to do about the folder, where that is known of such an error; else the error as it is. */
export function explainDataDir(error: unknown, dataDir: string): unknown {
  const cause = error as NodeJS.ErrnoException
  const another = 'or name another folder: ./up --data DIR'
  const notWritable = `${dataDir} can't be written by ${nameOfUser()}. Make it theirs (chown), ${another}`
  const reasons: Record<string, string> = {
    EACCES: notWritable,
    EPERM: notWritable,
    EROFS: `${dataDir} lies on a disk that is mounted read-only. Mount it writable, ${another}`,
    ENOTDIR: `${dataDir} is no folder. Move what is there, ${another}`,
    EEXIST: `${dataDir} is no folder. Move what is there, ${another}`,
    ENOSPC: `The disk of ${dataDir} is full. Free some space, ${another}`,
    EDQUOT: `${nameOfUser()} may not take more of the disk of ${dataDir}. Free some space, ${another}`,
  }
  const reason = reasons[cause.code ?? '']
  return reason ? new DataDirError(reason, { cause }) : error
}

function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    // The user has a number and no name.
    return `user ${process.getuid?.() ?? ''}`.trim()
  }
}
