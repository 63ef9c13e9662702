void netgear_restore_limits(void);
