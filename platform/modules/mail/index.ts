/** Mail to the people of this instance: queued with what it tells of, sent by the worker, laid into a folder without a server. */
export { canMail, mailQueue, startMailJobs, type Mail } from './mail.jobs.ts'
