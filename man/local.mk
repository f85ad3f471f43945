dist_man_MANS += man/dicomlake.1 man/dicomlake.conf.5 man/dicomlake-store.5 \
	man/dicomlake-fs.7 man/dicomlake-dicomweb.7
