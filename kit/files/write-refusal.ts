/** Whether a folder takes anything new, found out without writing to it. */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'

/**
 * Why nothing can be written in the folder: EROFS on a disk that can only be read (access(2) tells that to root, too), EACCES
 * without the right to. Null: nothing is known against it; a disk may be full all the same.
 */
export async function findWriteRefusal(folder: string): Promise<NodeJS.ErrnoException | null> {
  try {
    await access(folder, constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}
