/** Shows what was pushed; a tap opens the page it is about. */
interface Pushed {
  readonly title: string
  readonly body: string
  readonly url: string
  readonly tag: string
}
interface PushEventLike {
  readonly data: { json(): unknown } | null
  waitUntil(work: Promise<unknown>): void
}
interface ClickEventLike {
  readonly notification: { readonly data: unknown; close(): void }
  waitUntil(work: Promise<unknown>): void
}
/** The service worker's global, as far as it is used: the pages' types know only windows. */
interface WorkerScope {
  readonly registration: {
    showNotification(title: string, options: Record<string, unknown>): Promise<void>
  }
  readonly clients: { openWindow(url: string): Promise<unknown> }
  addEventListener(type: 'push', listener: (event: PushEventLike) => void): void
  addEventListener(type: 'notificationclick', listener: (event: ClickEventLike) => void): void
}
const scope = globalThis as unknown as WorkerScope

scope.addEventListener('push', (event) => {
  const pushed = event.data?.json() as Pushed | undefined
  if (!pushed) return
  const { title, body, url, tag } = pushed
  event.waitUntil(scope.registration.showNotification(title, { body, tag, data: url, renotify: true }))
})

scope.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(scope.clients.openWindow(String(event.notification.data)))
})
