"""What runs elsewhere than on the CPU, tried without such a device."""
