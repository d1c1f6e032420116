/** Which of a service's regions an address lies in. */
import type { ServiceEntry } from '../configuration/index.ts'
import type { NetworkTable } from '../signals/networks/index.ts'

/** Null: the address is in no region that the service names, or in no table. */
export async function regionOf(
  networks: NetworkTable,
  entry: ServiceEntry,
  address: string,
): Promise<string | null> {
  if (entry.regions.length === 1) return entry.regions[0]!.id
  const { country } = await networks.find(address)
  if (country === null) return null
  return entry.regions.find(({ countries }) => countries.includes(country))?.id ?? null
}
