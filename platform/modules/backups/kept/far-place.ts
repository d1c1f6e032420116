/**
 * A place for backups in a bucket, laid out as a folder of them is: `s3://BUCKET/PREFIX`. What belongs to a backup comes
 * first and its manifest last, so one that has a manifest is whole.
 */
import { readBounded } from '../../../../kit/http/read-bounded.ts'
import { S3Error, openS3, type S3Client } from '../../../../kit/s3/index.ts'
import type { Config } from '../../../app/config.ts'
import { AppError } from '../../../app/errors.ts'
import type { BackupFolder } from './backup-folder.ts'
import { BACKUP_NAME, MANIFEST_NAME } from './backup-manifest.ts'
import { OBJECTS_NAME, PLACE_NAME, PLACE_README, PlaceFile } from './backup-place.ts'
import { objectPath } from './object-store.ts'

/** It has a line. */
const PLACE_FILE_MAX_BYTES = 64 * 1024
const ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.-]+(?:\/[\w.-]+)*))?\/?$/

export const isFarAddress = (address: string): boolean => address.startsWith('s3://')

export interface FarPlace {
  /** Without a slash at its end. */
  readonly address: string
  folder(name: string): BackupFolder
  readObject(object: string): AsyncIterable<Uint8Array>
  /** Names of the whole backups, the oldest first. */
  listBackups(): Promise<string[]>
  /** Names of all objects of files. */
  listObjects(): AsyncIterable<string>
  /** All files under the place, by their names there. */
  listAll(prefix: string): AsyncIterable<string>
  putFile(name: string, path: string, signal: AbortSignal): Promise<void>
  remove(name: string): Promise<void>
  /** Makes the place this instance's, and gives up what uploads left that were cut off. @throws {AppError} backup-place-unfit */
  claim(storeId: string, signal: AbortSignal): Promise<void>
}

/** @throws {AppError} backup-place-unfit, when the address is none, or what opens it is not set. */
export function openFarPlace({ s3 }: Pick<Config, 's3'>, address: string): FarPlace {
  const found = ADDRESS.exec(address)
  if (!found)
    throw new AppError('backup-place-unfit', {
      detail: `${address} is no address of a place in a bucket.`,
      next: 'Such an address is s3://BUCKET or s3://BUCKET/FOLDER.',
    })
  const { accessKey, secretKey, endpoint, region } = s3
  if (accessKey === null || secretKey === null)
    throw new AppError('backup-place-unfit', {
      detail: `What opens ${address} is not set.`,
      next: 'Set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, and S3_ENDPOINT when it is not Amazon’s own.',
    })
  const [, bucket, folder = ''] = found as unknown as [string, string, string?]
  const client = openS3({ endpoint, region, bucket, credentials: { accessKey, secretKey } })
  return placeIn(client, address.replace(/\/$/, ''), folder === '' ? '' : `${folder}/`)
}

function placeIn(client: S3Client, address: string, prefix: string): FarPlace {
  const put = (name: string, text: string, signal: AbortSignal) =>
    client.put(prefix + name, Buffer.from(text), signal)

  async function* listAll(under: string): AsyncGenerator<string> {
    for await (const { key } of telling(client.list(prefix + under))) yield key.slice(prefix.length)
  }

  async function readPlaceFile(): Promise<string | null> {
    let text: string
    try {
      text = (await readBounded(client.get(prefix + PLACE_NAME), PLACE_FILE_MAX_BYTES)).toString()
    } catch (error) {
      if (error instanceof S3Error && error.status === 404) return null
      throw error
    }
    try {
      return PlaceFile.parse(JSON.parse(text)).storeId
    } catch (cause) {
      throw new AppError('backup-place-unfit', { detail: `${address}/${PLACE_NAME} can't be read.`, cause })
    }
  }

  return {
    address,
    folder: (name) => ({
      address: `${address}/${name}`,
      read: (file) => telling(client.get(`${prefix}${name}/${file}`)),
    }),
    readObject: (object) => telling(client.get(`${prefix}${OBJECTS_NAME}/${objectPath(object)}`)),
    async listBackups() {
      const names: string[] = []
      // Digits come before the name of the folder of objects: of those none is listed.
      for await (const key of listAll('2')) {
        const [name, file, ...rest] = key.split('/')
        if (file === MANIFEST_NAME && rest.length === 0 && BACKUP_NAME.test(name!)) names.push(name!)
      }
      return names.sort()
    },
    async *listObjects() {
      for await (const key of listAll(`${OBJECTS_NAME}/`)) yield key.split('/').at(-1)!
    },
    listAll,
    putFile: (name, path, signal) => tell(client.putFile(prefix + name, path, signal)),
    remove: (name) => tell(client.remove(prefix + name)),
    claim: (storeId, signal) =>
      tell(
        (async () => {
          const known = await readPlaceFile()
          if (known === null) {
            for await (const name of listAll(''))
              throw new AppError('backup-place-unfit', {
                detail: `${address} holds something that is no backup (${name}).`,
              })
            await put('README.txt', PLACE_README, signal)
            await put(PLACE_NAME, `${JSON.stringify({ format: 1, storeId })}\n`, signal)
          } else if (known !== storeId)
            throw new AppError('backup-place-unfit', {
              detail: `${address} keeps the backups of another instance (${known}).`,
            })
          await client.removeUnfinished(prefix)
        })(),
      ),
  }
}

/**
 * Finds the backup that a person means: the newest of a place, or the one of this address.
 *
 * @throws {AppError} backup-place-unfit when there is none; backup-place-unreachable.
 */
export async function findFarBackup(
  config: Pick<Config, 's3'>,
  given: string,
): Promise<{ readonly far: FarPlace; readonly name: string }> {
  const address = given.replace(/\/$/, '')
  const last = address.split('/').at(-1)!
  if (BACKUP_NAME.test(last))
    return { far: openFarPlace(config, address.slice(0, -last.length - 1)), name: last }
  const far = openFarPlace(config, address)
  const name = (await far.listBackups()).at(-1)
  if (name === undefined)
    throw new AppError('backup-place-unfit', { detail: `There is no whole backup in ${far.address}.` })
  return { far, name }
}

function toAppError(error: unknown): unknown {
  if (!(error instanceof S3Error)) return error
  return new AppError('backup-place-unreachable', { detail: error.message, cause: error })
}

const tell = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw toAppError(error)
  })

async function* telling<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* source
  } catch (error) {
    throw toAppError(error)
  }
}
