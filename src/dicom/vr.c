#include "dicom/vr.h"

enum { NONE, AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN,
       SH, SL, SQ, SS, ST, SV, TM, UC, UI, UL, UN, UR, US, UT, UV };

static const struct vr_info infos[] = {
	[NONE] = { VR_UNKNOWN, 1, true, false },
	[AE] = { VR_STRING, 1, false, false },
	[AS] = { VR_STRING, 1, false, false },
	[AT] = { VR_TAG, 2, false, false },
	[CS] = { VR_STRING, 1, false, false },
	[DA] = { VR_STRING, 1, false, false },
	[DS] = { VR_NUMBER_STRING, 1, false, false },
	[DT] = { VR_STRING, 1, false, false },
	[FD] = { VR_BINARY, 8, false, false },
	[FL] = { VR_BINARY, 4, false, false },
	[IS] = { VR_NUMBER_STRING, 1, false, false },
	[LO] = { VR_TEXT, 1, false, false },
	[LT] = { VR_TEXT, 1, false, true },
	[OB] = { VR_BULK, 1, true, false },
	[OD] = { VR_BULK, 8, true, false },
	[OF] = { VR_BULK, 4, true, false },
	[OL] = { VR_BULK, 4, true, false },
	[OV] = { VR_BULK, 8, true, false },
	[OW] = { VR_BULK, 2, true, false },
	[PN] = { VR_NAME, 1, false, false },
	[SH] = { VR_TEXT, 1, false, false },
	[SL] = { VR_BINARY, 4, false, false },
	[SQ] = { VR_SEQUENCE, 1, true, false },
	[SS] = { VR_BINARY, 2, false, false },
	[ST] = { VR_TEXT, 1, false, true },
	[SV] = { VR_BINARY, 8, true, false },
	[TM] = { VR_STRING, 1, false, false },
	[UC] = { VR_TEXT, 1, true, false },
	[UI] = { VR_STRING, 1, false, false },
	[UL] = { VR_BINARY, 4, false, false },
	[UN] = { VR_BULK, 1, true, false },
	[UR] = { VR_STRING, 1, true, true },
	[US] = { VR_BINARY, 2, false, false },
	[UT] = { VR_TEXT, 1, true, true },
	[UV] = { VR_BINARY, 8, true, false },
};

#define AT_LETTERS(a, b) [(a - 'A') * 26 + (b - 'A')]

static const uint8_t index_of[26 * 26] = {
	AT_LETTERS('A', 'E') = AE, AT_LETTERS('A', 'S') = AS, AT_LETTERS('A', 'T') = AT,
	AT_LETTERS('C', 'S') = CS, AT_LETTERS('D', 'A') = DA, AT_LETTERS('D', 'S') = DS,
	AT_LETTERS('D', 'T') = DT, AT_LETTERS('F', 'D') = FD, AT_LETTERS('F', 'L') = FL,
	AT_LETTERS('I', 'S') = IS, AT_LETTERS('L', 'O') = LO, AT_LETTERS('L', 'T') = LT,
	AT_LETTERS('O', 'B') = OB, AT_LETTERS('O', 'D') = OD, AT_LETTERS('O', 'F') = OF,
	AT_LETTERS('O', 'L') = OL, AT_LETTERS('O', 'V') = OV, AT_LETTERS('O', 'W') = OW,
	AT_LETTERS('P', 'N') = PN, AT_LETTERS('S', 'H') = SH, AT_LETTERS('S', 'L') = SL,
	AT_LETTERS('S', 'Q') = SQ, AT_LETTERS('S', 'S') = SS, AT_LETTERS('S', 'T') = ST,
	AT_LETTERS('S', 'V') = SV, AT_LETTERS('T', 'M') = TM, AT_LETTERS('U', 'C') = UC,
	AT_LETTERS('U', 'I') = UI, AT_LETTERS('U', 'L') = UL, AT_LETTERS('U', 'N') = UN,
	AT_LETTERS('U', 'R') = UR, AT_LETTERS('U', 'S') = US, AT_LETTERS('U', 'T') = UT,
	AT_LETTERS('U', 'V') = UV,
};

const struct vr_info *
vr_info(uint16_t vr)
{
	unsigned a = (unsigned)(vr >> 8) - 'A', b = (unsigned)(vr & 0xFF) - 'A';

	return &infos[a < 26 && b < 26 ? index_of[a * 26 + b] : NONE];
}

static bool
is_upper(unsigned c)
{
	return c >= 'A' && c <= 'Z';
}

bool
vr_is_extended(uint16_t vr)
{
	const struct vr_info *info = vr_info(vr);

	return info->kind == VR_UNKNOWN ? is_upper(vr >> 8) && is_upper(vr & 0xFF) : info->extended;
}
