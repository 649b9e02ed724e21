// The Node service's way with lock files, for a test: node seed_lock.js FILE OWNER ROUNDS JOURNAL.
// Takes FILE.lock by exclusive creation, removes it by age, and says in the journal when it enters and leaves.
'use strict';
const fs = require('fs');
const [file, owner, rounds, journal] = process.argv.slice(2);
const lockfile = `${file}.lock`;
const staleAfter = 30000;

function tryAcquire() {
	try {
		fs.writeFileSync(lockfile, Date.now().toString(), { flag: 'wx' });
		return true;
	} catch (error) {
		if (error.code !== 'EEXIST') throw error;
	}
	try {
		const age = Date.now() - parseInt(fs.readFileSync(lockfile, 'utf8'));
		if (age > staleAfter) {
			fs.unlinkSync(lockfile);
			return tryAcquire();
		}
	} catch (error) {
		if (error.code !== 'ENOENT') throw error; // it was released between
	}
	return false;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

(async () => {
	for (let i = 0; i < Number(rounds); ++i) {
		while (!tryAcquire()) await pause(1 + Math.random() * 4);
		fs.appendFileSync(journal, `enter ${owner}\n`);
		await pause(Math.random() * 2);
		fs.appendFileSync(journal, `leave ${owner}\n`);
		fs.unlinkSync(lockfile);
		await pause(Math.random() * 3);
	}
})();
