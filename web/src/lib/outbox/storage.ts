/** The outbox's entries in IndexedDB; in memory where that is forbidden (some private windows). */
import type { OutboxEntry, OutboxStorage } from './outbox.ts'

const DATABASE = 'upbeat'
const STORE = 'outbox'

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

async function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'id' })
  return promised(opening)
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onerror = () => reject(transaction.error)
    transaction.onabort = () => reject(transaction.error)
  })
}

/** Opens the device's storage. */
export async function openOutboxStorage(): Promise<OutboxStorage> {
  const database = await openDatabase().catch(() => null)
  return database ? inDatabase(database) : inMemory()
}

function inDatabase(database: IDBDatabase): OutboxStorage {
  return {
    readAll: () => promised<OutboxEntry[]>(database.transaction(STORE).objectStore(STORE).getAll()),
    async put(entry) {
      // Strict: it is on the disk, not only in the operating system's memory, when the person is told that it is kept.
      const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' })
      transaction.objectStore(STORE).put(entry)
      await committed(transaction)
    },
    async remove(ids) {
      if (ids.length === 0) return
      const transaction = database.transaction(STORE, 'readwrite')
      for (const id of ids) transaction.objectStore(STORE).delete(id)
      await committed(transaction)
    },
  }
}

function inMemory(): OutboxStorage {
  const entries = new Map<string, OutboxEntry>()
  return {
    readAll: async () => [...entries.values()],
    put: async (entry) => void entries.set(entry.id, entry),
    remove: async (ids) => ids.forEach((id) => entries.delete(id)),
  }
}
