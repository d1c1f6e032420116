/** The app shell: the web app's files, its security policy, and what link previews see of a shared page. */
export { registerShell } from './shell.routes.ts'
