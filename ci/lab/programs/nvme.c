/* A disk that says of itself that it is about to fail. Preloaded into smartd, it answers what smartd asks of an NVMe disk, on any
 * path: the kernel of a container has no disk to ask.
 */
#define _GNU_SOURCE
#include <linux/ioctl.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GET_LOG_PAGE = 0x02, IDENTIFY = 0x06 };         /* admin commands */
enum { CONTROLLER = 1 };                               /* what to identify */
enum { SMART_LOG = 2 };                                /* which log */
enum { RELIABILITY_DEGRADED = 1 << 2, KELVIN_27C = 300 };

static void put(unsigned char *field, const char *text, size_t width)
{
	memset(field, ' ', width);
	memcpy(field, text, strlen(text));
}

static int answer(const struct nvme_admin_cmd *command)
{
	unsigned char *data = (unsigned char *)(uintptr_t)command->addr;
	unsigned char what = command->cdw10 & 0xff;

	memset(data, 0, command->data_len);
	if (command->opcode == IDENTIFY && what == CONTROLLER) {
		put(data + 4, "LAB0001", 20);
		put(data + 24, "Disk of the lab", 40);
		put(data + 64, "1.0", 8);
		data[516] = 1; /* one namespace */
	} else if (command->opcode == GET_LOG_PAGE && what == SMART_LOG) {
		data[0] = RELIABILITY_DEGRADED;
		data[1] = KELVIN_27C & 0xff;
		data[2] = KELVIN_27C >> 8;
		data[3] = 100; /* spare blocks, per cent */
		data[4] = 10;  /* and how many there must be */
	}
	return 0;
}

int ioctl(int descriptor, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == NVME_IOCTL_ADMIN_CMD)
		return answer(argument);
	if (request == NVME_IOCTL_ID)
		return 1;
	return syscall(SYS_ioctl, descriptor, request, argument);
}
