/* The least that a milter with our task can cost: libmilter, in C, told what ours is told, inserting what ours inserts.
 *   cc -O2 -o milter_in_c milter_in_c.c -lmilter -lpthread; ./milter_in_c unix:/path/to/socket
 * It judges nothing: fields are looked at no further than libmilter does. */
#include <stddef.h>

#include <libmilter/mfapi.h>
#include <sys/stat.h>

static sfsistat negotiated(SMFICTX *context, unsigned long actions, unsigned long steps, unsigned long a, unsigned long b,
                           unsigned long *wanted_actions, unsigned long *wanted_steps, unsigned long *c, unsigned long *d)
{
    *wanted_actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    *wanted_steps = steps & (SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_RCPT_REJ | SMFIP_HDR_LEADSPC | SMFIP_NR_CONN
                             | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR);
    *c = *d = 0;
    return SMFIS_CONTINUE;
}

static sfsistat connected(SMFICTX *context, char *name, _SOCK_ADDR *address) { return SMFIS_NOREPLY; }
static sfsistat greeted(SMFICTX *context, char *name) { return SMFIS_NOREPLY; }
static sfsistat path(SMFICTX *context, char **words) { return SMFIS_NOREPLY; }
static sfsistat field(SMFICTX *context, char *name, char *value) { return SMFIS_NOREPLY; }

static sfsistat ended(SMFICTX *context)
{
    smfi_insheader(context, 0, "X-Ticket-Reason", "outbound-copy; channel=support; id=4fXyZw0123z9");
    smfi_insheader(context, 0, "X-Ticket-Status", "auto-closed");
    return SMFIS_ACCEPT;
}

static struct smfiDesc description = {
    "floor", SMFI_VERSION, SMFIF_ADDHDRS | SMFIF_CHGHDRS,
    connected, greeted, path, path, field, NULL, NULL, ended, NULL, NULL, NULL, NULL, negotiated,
};

int main(int count, char **words)
{
    umask(0);
    if (count != 2 || smfi_setconn(words[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS)
        return 64;
    return smfi_main();
}
