/* The JPEG processes that libjpeg-turbo has not: DCMTK's decoders of one frame.
 * Their dictionary, data sets and codec registry stay out of it. */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>
#include <dcmtk/oflog/oflog.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>

extern "C" {
#include "pixel/codec.h"
}

static std::once_flag once;

static int
decode(const void *data, size_t len, unsigned precision, bool is_ybr, bool is_signed,
       void *out, size_t out_len, bool *ret_is_rgb, struct err *err)
{
	/* what a frame says is in its error; the log is ours */
	std::call_once(once, [] { OFLog::configure(OFLogger::OFF_LOG_LEVEL); });
	DJCodecParameter parameter(ECC_lossyYCbCr, EDC_photometricInterpretation, EUC_never, EPC_default);
	OFBool ybr = is_ybr ? OFTrue : OFFalse;
	std::unique_ptr<DJDecoder> decoder;

	if (precision <= 8)
		decoder.reset(new DJDecompressIJG8Bit(parameter, ybr));
	else if (precision <= 12)
		decoder.reset(new DJDecompressIJG12Bit(parameter, ybr));
	else
		decoder.reset(new DJDecompressIJG16Bit(parameter, ybr));
	OFCondition c = decoder->init();
	if (c.good())
		c = decoder->decode(static_cast<Uint8 *>(const_cast<void *>(data)), static_cast<Uint32>(len),
				    static_cast<Uint8 *>(out), static_cast<Uint32>(out_len),
				    is_signed ? OFTrue : OFFalse);
	if (c.bad())
		return err_set(err, -EBADMSG, "the JPEG frame cannot be decoded: %s", c.text());
	*ret_is_rgb = is_ybr && decoder->getDecompressedColorModel() == EPI_RGB;
	return 0;
}

extern "C" int
dcmtk_jpeg_decode(const void *data, size_t len, unsigned precision, bool is_ybr, bool is_signed,
		  void *out, size_t out_len, bool *ret_is_rgb, struct err *err)
{
	if (len > UINT32_MAX || out_len > UINT32_MAX)
		return err_set(err, -EFBIG, "the JPEG frame is too large");
	try {
		return decode(data, len, precision, is_ybr, is_signed, out, out_len, ret_is_rgb, err);
	} catch (const std::bad_alloc &) {
		return err_set(err, -ENOMEM, "out of memory");
	} catch (const std::exception &) {
		return err_set(err, -EBADMSG, "the JPEG frame cannot be decoded");
	}
}
