/** Asks the browser for notifications, on a tap; where the browser can't, the page shows nothing of it. */
const section = document.getElementById('push')

async function start(key: string, url: string): Promise<string> {
  if ((await Notification.requestPermission()) !== 'granted')
    return 'This browser was told to show no notifications from here. You can change that in its settings for this site.'
  const worker = await navigator.serviceWorker.register('/push-worker.js')
  await navigator.serviceWorker.ready
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  })
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(subscription),
  })
  if (response.ok) return 'Done: this browser will tell you. To end it, forbid notifications for this site.'
  const problem = (await response.json().catch(() => null)) as { detail?: string } | null
  return `It was not taken: ${problem?.detail ?? `the watch answered ${response.status}`}`
}

if (section && 'PushManager' in globalThis && 'serviceWorker' in navigator) {
  section.hidden = false
  const result = document.getElementById('push-result')!
  document.getElementById('push-start')!.addEventListener('click', () => {
    result.textContent = 'Asking the browser …'
    start(section.dataset['key']!, section.dataset['url']!).then(
      (words) => (result.textContent = words),
      () =>
        (result.textContent = 'The browser’s push service could not be reached. Try again, or use the feed.'),
    )
  })
}
