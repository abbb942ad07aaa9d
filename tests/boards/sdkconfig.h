/* sdkconfig.h - a stand-in: settings come as definitions. */
