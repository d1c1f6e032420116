/** What a person has hidden in this tab: said once is enough until the next visit. */
const KEY = 'upbeat.said'

let said = $state.raw<readonly string[]>(read())

export const once = {
  has: (key: string): boolean => said.includes(key),
  add(key: string): void {
    said = [...said.filter((other) => other !== key), key].slice(-20)
    try {
      sessionStorage.setItem(KEY, JSON.stringify(said))
    } catch {
      // Storage is forbidden: it is hidden for as long as this page is open.
    }
  },
}

function read(): string[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as string[]
  } catch {
    return []
  }
}
