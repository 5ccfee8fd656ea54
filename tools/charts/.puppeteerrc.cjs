// The charts use the system's Chromium; puppeteer must not try to download one.
module.exports = { skipDownload: true };
