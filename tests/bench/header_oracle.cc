#include "tests/bench/header_bench.h"

#include <sstream>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcjson.h>
#include <dcmtk/oflog/oflog.h>

size_t
oracle_header_to_json(const char *path)
{
	DcmFileFormat file;
	DcmJsonFormatCompact format(OFFalse);
	std::ostringstream out;
	static bool quiet = false;

	if (!quiet) {
		OFLog::configure(OFLogger::OFF_LOG_LEVEL);
		quiet = true;
	}
	if (file.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength,
				  ERM_autoDetect, DCM_PixelData).bad())
		return 0;
	if (file.getDataset()->writeJson(out, format).bad())
		return 0;
	return out.str().size();
}
