/** One statement on a server, by a connection of its own: for what no pool may be connected to. */
import pg from 'pg'

export async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Whoever is connected to it is cut off. */
export const dropDatabase = (serverUrl: string, name: string): Promise<void> =>
  administer(serverUrl, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
